import type { Explanation } from './explanation.js'

/** What haproxy, keepalived, kube-vip and nginx say in front of the API servers. */
export const saidByLoadBalancers: readonly Explanation[] = [
  {
    id: 'health-check-unauthorized',
    pattern: /is DOWN, reason: Layer7 wrong status, code: 40[13]/,
    cause: 'The health check has no credentials and the API server refuses anonymous requests: all backends go down.',
    remedy:
      'Allow anonymous requests for /readyz with an AuthenticationConfiguration (1.31 and later), or accept 401 as healthy: http-check expect rstatus (200|401)',
  },
  {
    id: 'selinux-haproxy',
    pattern:
      /avc: {1,3}denied {1,3}\{ name_(?:bind|connect) \}.{0,200}comm="haproxy"|General socket error \(Permission denied\)|[Cc]annot bind socket \(Permission denied\)/,
    cause: 'SELinux does not let haproxy use that port: it may bind and connect to labelled ports only.',
    remedy:
      'On that node: setsebool -P haproxy_connect_any 1. In a container or without SELinux: haproxy lacks CAP_NET_BIND_SERVICE for a port below 1024',
  },
  {
    id: 'haproxy-address-absent',
    pattern:
      /[Cc]annot bind (?:UNIX )?socket \([Cc]annot assign requested address\)|failed \(99: (?:Cannot assign requested address|Address not available)\)/,
    cause: 'The load balancer binds an address that this node does not hold: a virtual IP that another node has now.',
    remedy:
      'Bind *:PORT instead of the virtual IP; or on every node: sysctl -w net.ipv4.ip_nonlocal_bind=1, and the same in /etc/sysctl.d/haproxy.conf, then systemctl restart haproxy',
  },
  {
    id: 'load-balancer-port-in-use',
    pattern:
      /[Cc]annot bind socket \(Address already in use\)|failed \(98: (?:Address already in use|Address in use)\)/,
    cause:
      'Something listens on the port of the load balancer already: the API server of that node, or an older haproxy.',
    remedy: 'On that node: ss -ltnp; give the load balancer another port than the API server (8443)',
  },
  {
    id: 'haproxy-cannot-bind',
    pattern: /[Cc]annot bind socket \[|[Ss]ome protocols failed to start their listeners/,
    cause: 'haproxy cannot listen: the port is taken, the address is not on this node, or SELinux refuses the port.',
    remedy: 'On that node: ss -ltnp; ip -br addr; ausearch -m avc -c haproxy',
  },
  {
    id: 'haproxy-configuration',
    pattern:
      /(?:parsing|config : parsing) \[[^\]]{1,300}:\d{1,6}\]|Fatal errors found in configuration|Error\(s\) found in configuration file/,
    cause:
      'haproxy does not accept its configuration: a keyword of another version, or a typing error. It keeps running the old one, if it ran.',
    remedy: 'On that node: haproxy -v; haproxy -c -f /etc/haproxy/haproxy.cfg',
  },
  {
    id: 'no-backend',
    pattern: /(?:proxy|backend) '?[\w.-]{1,100}'? has no server available/,
    cause: 'No API server behind the load balancer is ready.',
    remedy: 'On each control plane: curl -k https://localhost:6443/readyz?verbose; crictl ps -a --name kube-apiserver',
  },
  {
    id: 'backend-down',
    pattern: /Server \S{1,200} is DOWN, reason: Layer[467]/,
    cause:
      'The load balancer marked an API server as down: it does not answer, or is not ready. Expected until it has joined.',
    remedy: 'On that control plane: curl -k https://localhost:6443/readyz?verbose; crictl ps -a --name kube-apiserver',
  },
  {
    id: 'router-id-shared',
    pattern: /ip address associated with VRID .{0,40}not present in|bogus VRRP packet received/,
    cause: 'Another keepalived on this network uses the same virtual_router_id, or announces other addresses under it.',
    remedy:
      'tcpdump -ni any proto 112 shows the senders; set another loadBalancer.virtualRouterId in the cluster file.',
  },
  {
    id: 'vrrp-password-differs',
    pattern: /received an invalid passwd|[Aa]uthentication type mismatch/,
    cause:
      'Two keepalived instances use the same virtual_router_id with different passwords: one belongs to another cluster, or has an old configuration.',
    remedy: 'tcpdump -ni any proto 112 shows the senders; compare /etc/keepalived/keepalived.conf on them',
  },
  {
    id: 'two-holders',
    pattern: /Received (?:advert from \S{1,60} with lower priority|lower prio advert).{0,80}forcing new election/,
    cause: 'Two keepalived instances hold the address at once: VRRP (protocol 112) is filtered between them.',
    remedy:
      'On each: ip -br addr | grep ADDRESS; firewall-cmd --permanent --add-protocol=vrrp && firewall-cmd --reload',
  },
  {
    id: 'keepalived-interface-absent',
    pattern:
      /interface \S{1,40} for vrrp_instance \S{1,60} doesn't exist|Cant find interface \S{1,40} for vrrp_instance/,
    cause:
      'keepalived is configured for a network card that this node does not have: cards have other names on other nodes.',
    remedy:
      'On that node: ip -br link; correct interface in /etc/keepalived/keepalived.conf, then systemctl restart keepalived',
  },
  {
    id: 'keepalived-script-refused',
    pattern:
      /SECURITY VIOLATION - (?:check or track )?scripts|[Uu]nsafe permissions found for script|due to insecure|user '[\w-]{1,40}' for script execution does not exist|[Ss]cript user '[\w-]{1,40}' does not exist/,
    cause:
      'keepalived does not run its health check: script security is off, the script is writable by others, or its user does not exist.',
    remedy:
      'In global_defs of /etc/keepalived/keepalived.conf: enable_script_security and script_user root; on the script: chown root: and chmod 755',
  },
  {
    id: 'keepalived-check-fails',
    pattern: /VRRP_Script\([\w-]{1,60}\) failed|Script `[\w-]{1,60}` now returning [1-9]|Entering FAULT STATE/,
    cause:
      'The health check of keepalived fails on that node, so the node gives the virtual IP away. Expected until its API server runs.',
    remedy: 'On that node: systemctl status haproxy; curl -k https://localhost:6443/readyz?verbose',
  },
  {
    id: 'kube-vip-forbidden',
    pattern: /"plndr-cp-lock" is forbidden/,
    cause:
      'kube-vip uses admin.conf, which has no rights before the cluster is initialised (1.29 and later); or the RoleBinding quorate-kube-vip is gone.',
    remedy:
      'If Quorate manages kube-vip: `quorate convert` restores its rights. If you manage it: use super-admin.conf as its hostPath during init only, then switch back to admin.conf.',
  },
  {
    id: 'kube-vip-lock',
    pattern: /error retrieving resource lock [\w-]{1,63}\/plndr/,
    cause:
      'kube-vip reaches no API server, so it does not hold the virtual IP. It connects through that same IP, or through the name `kubernetes`.',
    remedy:
      'On that node: grep -A1 hostAliases /etc/kubernetes/manifests/kube-vip.yaml; grep server: the kubeconfig that it mounts',
  },
]
