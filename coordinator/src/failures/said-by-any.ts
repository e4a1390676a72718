import type { Explanation } from './explanation.js'

/** What any program says of addresses, ports, names and disks: looked for last, what is more particular comes before. */
export const saidByAny: readonly Explanation[] = [
  {
    id: 'address-not-of-this-node',
    pattern: /bind: cannot assign requested address/i,
    cause:
      "A program binds an address that this node does not have: another node's address came from a copied manifest, from extraArgs in kubeadm-config (listen-client-urls, listen-metrics-urls, bind-address), or from the wrong interface.",
    remedy:
      'On that node: ip -br addr; grep -rn ADDRESS /etc/kubernetes/manifests; remove the flag: kubectl -n kube-system edit configmap kubeadm-config',
  },
  {
    id: 'port-taken',
    pattern: /listen (?:tcp[46]?|udp) \S{0,100}: bind: address already in use/,
    cause:
      'Something listens on that port already: an older container of the same component, a load balancer, or an earlier cluster.',
    remedy: 'On that node: ss -ltnp; crictl ps -a; remove an earlier cluster: kubeadm reset',
  },
  {
    id: 'apparmor-denied',
    pattern: /apparmor="DENIED"/,
    cause: 'An AppArmor profile in enforce mode denies the operation of the program named in the line.',
    remedy:
      'On that node: aa-status; add the path to the local part of the profile, then: apparmor_parser -r /etc/apparmor.d/PROFILE',
  },
  {
    id: 'selinux-denied',
    pattern: /avc: {1,3}denied {1,3}\{/,
    cause:
      'SELinux denies the operation of the program named in the line: a file has the wrong label, or a port has none.',
    remedy: 'On that node: ausearch -m avc -ts recent; for files that were moved or copied: restorecon -Rv PATH',
  },
  {
    id: 'disk-full',
    pattern: /no space left on device/,
    cause: 'A disk of that node is full.',
    remedy: 'On that node: df -h; df -i; journalctl --vacuum-size=500M; crictl rmi --prune',
  },
  {
    id: 'name-not-resolved',
    pattern:
      /(?:dial tcp: )?lookup \S{1,253}(?: on \S{1,60})?:? ?(?:no such host|server misbehaving|.{0,60}i\/o timeout)|Temporary failure in name resolution/,
    cause:
      'That node does not resolve the name: it is missing from /etc/hosts or DNS there, or the DNS server does not answer.',
    remedy: 'On that node: getent hosts NAME; cat /etc/resolv.conf; the endpoint must resolve on every node',
  },
  {
    id: 'through-a-proxy',
    pattern: /proxyconnect tcp:|uses proxy "[^"]{1,300}"/,
    cause:
      'The request goes through an HTTP proxy: the endpoint, the node addresses and the pod and Service ranges are not in NO_PROXY.',
    remedy:
      'On that node: systemctl show kubelet containerd -p Environment; env; add them to NO_PROXY, then systemctl daemon-reload && systemctl restart containerd kubelet',
  },
  {
    id: 'tls-handshake-timeout',
    pattern: /TLS handshake timeout/,
    cause: 'Small packets pass, large ones do not: the MTU on the path is wrong. Or the server is overloaded.',
    remedy: 'On both ends: ip link; ping -M do -s 1472 OTHER_NODE (28 bytes less than the MTU)',
  },
  {
    id: 'no-route-to-host',
    pattern: /connect: no route to host/,
    cause: 'A firewall rejects the connection (as firewalld does), or no machine has that address now.',
    remedy: 'On the machine of that address: firewall-cmd --list-all; ip -br addr; from here: ip route get ADDRESS',
  },
  {
    id: 'connection-timed-out',
    pattern: /dial tcp \S{1,100}: (?:connect: )?(?:i\/o timeout|connection timed out)/,
    cause: 'Nothing answers at that address: a firewall drops the packets, or no machine has that address now.',
    remedy: 'From this node: nc -vz ADDRESS PORT; ip route get ADDRESS. There: ss -ltnp; nft list ruleset',
  },
  {
    id: 'kubeadm-config-not-read',
    pattern: /unable to fetch the kubeadm-config ConfigMap|failed to get config map:/,
    cause:
      'The joiner discovered the cluster but could not read kubeadm-config: the server in cluster-info, or the endpoint behind it, does not answer.',
    remedy:
      'kubectl -n kube-public get configmap cluster-info -o yaml; from the joiner: curl -k https://ENDPOINT/readyz',
  },
  {
    id: 'api-server-refused',
    pattern:
      /dial tcp \S{1,100}:\d{1,5}: (?:connect: |getsockopt: )?connection refused|connection to the server \S{1,253} was refused/,
    cause:
      'Nothing listens there: the API server is down, a load balancer has no backend, or the address is an old one.',
    remedy: 'On that machine: ss -ltnp; on the node that reports it: grep server: /etc/kubernetes/*.conf',
  },
  {
    id: 'request-timed-out',
    pattern: /Client\.Timeout exceeded while awaiting headers|net\/http: request canceled/,
    cause:
      'The API server accepted the connection and did not answer in time: it is starting, it is overloaded, or its etcd is slow.',
    remedy: 'On each control plane: curl -k https://localhost:6443/readyz?verbose; etcdctl endpoint status --cluster',
  },
  {
    id: 'node-not-registered',
    pattern: /(?:[Ee]rror getting (?:the current )?node.{0,80}|\] )node "?\\?"?[\w.-]{1,253}\\?"? not found/,
    cause: 'The kubelet has no Node yet: it could not register. The lines with `Unable to register node` say why.',
    remedy: 'On that node: journalctl -u kubelet | grep -m5 "register node"; grep server: /etc/kubernetes/kubelet.conf',
  },
]
