import type { Failure } from './failure.js'

/** The load balancer, and what comes later. */
export const ofLoadBalancers: readonly Failure[] = [
  {
    number: 'F43',
    title: 'The load balancer and the API server use the same port',
    threads: 'community#7524, kubeadm#2472, kubeadm#2935',
    checks: ['ports'],
    recognised: ['port-in-use'],
  },
  {
    number: 'F44',
    title: 'A backend was added too early, or has no health check',
    threads: 'kind#588, kubeadm#1353, kubeadm#2092, kubeadm#2093, CAPV#782',
    checks: ['load-balancer', 'program-versions', 'selinux'],
    recognised: ['backend-down', 'api-server-refused', 'haproxy-configuration'],
  },
  {
    number: 'F45',
    title: 'Idle timeouts cut watches, exec and logs -f',
    threads: 'kubeadm#2227',
    checks: ['idle-timeouts'],
  },
  {
    number: 'F46',
    title: 'The kubelet holds a dead connection after a failover',
    threads: 'kubernetes#44557, kubernetes#87615, kubernetes#91963',
    recognised: ['kubelet-holds-dead-connection'],
  },
  {
    number: 'F47',
    title: 'No backend is up at boot, and the load balancer is one of the pods that wait for one',
    threads: 'kubernetes#99602',
    checks: ['endpoint-outside-cluster'],
    recognised: ['no-backend', 'api-server-refused'],
  },
  {
    number: 'F48',
    title: 'Two nodes hold the virtual IP',
    threads: 'keepalived#2370, keepalived#2649, keepalived#2444, calico#4956, kube-vip#665',
    checks: ['virtual-ip-unused', 'virtual-router-id', 'firewall', 'virtual-ip', 'load-balancer'],
    recognised: ['two-holders', 'router-id-shared'],
  },
  {
    number: 'F49',
    title: 'The cluster provides the endpoint address, and needs the endpoint to provide it',
    threads: 'openelb#125, kube-keepalived-vip#90, metallb#168, cilium#29323',
    checks: ['endpoint-outside-cluster', 'endpoint-resolves', 'endpoint-name'],
  },
  {
    number: 'F50',
    title: 'kube-vip is not authorized to take its lease while the cluster is initialised',
    threads: 'kube-vip#684, kube-vip#907, kube-vip#938',
    recognised: ['kube-vip-forbidden', 'kube-vip-lock'],
  },
  {
    number: 'F51',
    title: 'After restarts one API server has most of the connections',
    threads: 'kubernetes#126378, kubernetes#48610, gardener#8810',
    neither:
      'Nothing fails because of it, and it does not exist before the conversion. To spread clients again, the operator sets goaway-chance of the API server (0.001).',
  },
  {
    number: 'F52',
    title: 'The health check is refused, or sees only that a port is open',
    threads: 'k3s#3576, kubernetes#43784',
    checks: ['anonymous-auth', 'endpoint-answers'],
    recognised: ['health-check-unauthorized', 'plain-http'],
  },
  {
    number: 'F53',
    title: '`kubeadm upgrade` points the kubelet of a control plane at its own API server',
    threads: 'kubeadm, ControlPlaneKubeletLocalMode',
    checks: ['kubeconfigs'],
  },
  {
    number: 'F54',
    title: 'kubeadm-config names a feature gate that a later kubeadm refuses',
    threads: 'kubeadm 1.36, ControlPlaneKubeletLocalMode',
    checks: ['feature-gates'],
    recognised: ['feature-gate-gone'],
  },
  {
    number: 'F55',
    title: 'A regenerated worker kubeconfig names its own node (1.33 and later)',
    threads: 'kubeadm#3243',
    neither:
      'It cannot happen here: Quorate changes one scalar of the existing file and does not regenerate kubeconfigs.',
  },
  {
    number: 'F56',
    title: 'Certificates were renewed on one control plane only',
    threads: 'kubeadm, certificate management',
    checks: ['certificate-expiry'],
    recognised: ['certificate-time'],
  },
  {
    number: 'F57',
    title: 'All CoreDNS pods run on the first control plane',
    threads: 'website@344aa15, kubernetes#110593',
    checks: ['coredns'],
  },
  {
    number: 'F58',
    title: 'Going from one control plane to three is left to the operator',
    threads: 'kubespray#12370',
    neither: 'This is the purpose of Quorate.',
  },
]
