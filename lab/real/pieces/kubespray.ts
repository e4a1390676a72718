import { stringify } from 'yaml'
import { nginxImage } from '../machines/cache.js'
import { extraArgs } from '../machines/kubeadm-documents.js'
import type { LabNode } from '../machines/node.js'
import { certificateNames, hostEtcd, startHostEtcd } from './host-etcd.js'
import type { Piece, PieceLab } from './piece.js'

const schedulerConfig = '/etc/kubernetes/kubescheduler-config.yaml'
const schedulerText = stringify({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  clientConnection: { kubeconfig: '/etc/kubernetes/scheduler.conf' },
})

const nginxConf = (server: string) => `error_log stderr notice;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 2;
worker_shutdown_timeout 10s;
pid /tmp/nginx.pid;
user root;
events {
  multi_accept on;
  use epoll;
  worker_connections 512;
}
stream {
  upstream kube_apiserver {
    least_conn;
    server ${server};
  }
  server {
    listen        127.0.0.1:6443;
    proxy_pass    kube_apiserver;
    proxy_timeout 10m;
    proxy_connect_timeout 1s;
  }
}
`

const nginxPod = (image: string) =>
  stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'nginx-proxy',
      namespace: 'kube-system',
      labels: { 'addonmanager.kubernetes.io/mode': 'Reconcile', 'k8s-app': 'kube-nginx' },
    },
    spec: {
      hostNetwork: true,
      dnsPolicy: 'ClusterFirstWithHostNet',
      priorityClassName: 'system-node-critical',
      containers: [
        {
          name: 'nginx-proxy',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['/usr/sbin/nginx', '-g', 'daemon off;'],
          volumeMounts: [{ mountPath: '/etc/nginx', name: 'etc-nginx', readOnly: true }],
        },
      ],
      volumes: [{ name: 'etc-nginx', hostPath: { path: '/etc/nginx' } }],
    },
  })

/** nginx on a worker's loopback, which its kubelet uses, as kubespray configures it after the join. */
async function throughLoopback(
  node: LabNode,
  lab: PieceLab,
  image: { file: string; reference: string },
): Promise<void> {
  await node.importImage(image.file)
  await node.put('/etc/nginx/nginx.conf', nginxConf(`${lab.node('cp1').address}:6443`), '0755')
  await node.put('/etc/kubernetes/manifests/nginx-proxy.yml', nginxPod(image.reference), '0640')
  await node.must(['sed', '-i', 's#server:.*#server: https://localhost:6443#', '/etc/kubernetes/kubelet.conf'])
  await node.must(['systemctl', 'restart', 'kubelet'])
}

/**
 * kubespray's layout: certificates in /etc/kubernetes/ssl with /etc/kubernetes/pki as a link to it, etcd as a service of the first control plane, nginx
 * on each worker's loopback, and the address of the first control plane as the endpoint.
 */
export const kubespray: Piece = {
  init(documents, lab) {
    const { api, cluster } = documents
    hostEtcd(documents, lab)
    const anywhere = { 'bind-address': '0.0.0.0' }
    cluster.clusterName = 'cluster.local'
    cluster.certificatesDir = '/etc/kubernetes/ssl'
    cluster.controlPlaneEndpoint = `${lab.node('cp1').address}:6443`
    cluster.apiServer = {
      extraArgs: extraArgs(api, { ...anywhere, 'request-timeout': '1m0s', profiling: 'False' }),
      certSANs: certificateNames(lab, 'lb-apiserver.kubernetes.local'),
    }
    cluster.controllerManager = { extraArgs: extraArgs(api, { ...anywhere, profiling: 'False' }) }
    cluster.scheduler = {
      extraArgs: extraArgs(api, { ...anywhere, config: schedulerConfig, profiling: 'False' }),
      extraVolumes: [
        { name: 'kubescheduler-config', hostPath: schedulerConfig, mountPath: schedulerConfig, readOnly: true },
      ],
    }
  },
  async before(lab) {
    const cp1 = lab.node('cp1')
    // Without the link kubeadm join writes the CA where the kubelet's configuration does not look (kubeadm#1498).
    const link = 'mkdir -m 755 -p /etc/kubernetes/ssl && ln -s /etc/kubernetes/ssl /etc/kubernetes/pki'
    for (const node of [cp1, ...lab.workers]) await node.must(['sh', '-c', link])
    await cp1.put(schedulerConfig, schedulerText, '0644')
    await startHostEtcd(lab)
  },
  async after(lab) {
    const image = await nginxImage()
    for (const node of lab.workers) await throughLoopback(node, lab, image)
    const [cp1, map] = [lab.node('cp1'), 'configmap/kube-proxy']
    const edit = `kubectl -n kube-system get ${map} -o yaml | sed 's#server: .*#server: https://127.0.0.1:6443#' | kubectl replace -f -`
    await cp1.must(['sh', '-c', edit])
    await cp1.must(['kubectl', '-n', 'kube-system', 'rollout', 'restart', 'daemonset/kube-proxy'])
    await cp1.must(['kubectl', '-n', 'kube-system', 'rollout', 'status', 'daemonset/kube-proxy', '--timeout=180s'])
  },
}
