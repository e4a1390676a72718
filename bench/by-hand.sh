#!/bin/bash
# The same steps by hand, in the same order: the baseline for the wall time of Quorate. No checks, no gates, no undo;
# it waits only where an operator would: for the new certificate of the API server, for rollouts, and for the Nodes at the end.
# Usage: by-hand.sh LAB_FOLDER NETNS PREFIX  (a lab made by `npm run lab -- up`)
set -euo pipefail
LAB=$1 NS=$2 NET=$3 VIP=$3.100 NAME=apiserver.example.com CPE=apiserver.example.com:8443
t0=$(date +%s.%N); step() { printf '%6.1fs  %s\n' "$(echo "$(date +%s.%N)-$t0" | bc)" "$*"; }
in_node() { # in_node NODE CMD...
  local n=$1 launcher pid; shift; launcher=$(cat "$LAB/nodes/$n/nspawn.pid"); pid=$(awk '{print $1}' "/proc/$launcher/task/$launcher/children")
  nsenter -t "$pid" -a env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root KUBECONFIG=/etc/kubernetes/admin.conf "$@"; }
ALL=$(ls "$LAB/nodes"); WORKERS=$(ls "$LAB/nodes" | grep '^w')
for n in $ALL; do in_node "$n" sh -c "grep -q $NAME /etc/hosts || echo $VIP $NAME >> /etc/hosts"; done
in_node cp1 sh -c 'etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key snapshot save /root/snapshot.db >/dev/null 2>&1'; step snapshot
for n in $ALL; do in_node "$n" tar -C / -czf /root/before.tar.gz etc/kubernetes etc/hosts; done
in_node cp1 sh -c 'kubectl -n kube-system get cm kubeadm-config kube-proxy -o yaml > /root/cms.yaml; kubectl -n kube-public get cm cluster-info -o yaml > /root/info.yaml'; step backup
balance() { # balance ADDRESS...: haproxy on every control plane with these backends
  { cat <<H
global
  maxconn 2000
defaults
  mode tcp
  timeout connect 3s
  timeout client 1h
  timeout server 1h
  timeout check 3s
frontend api
  bind *:8443
  default_backend api
backend api
  option httpchk
  http-check connect ssl
  http-check send meth GET uri /readyz
  http-check expect status 200
  default-server inter 1s fall 2 rise 2 on-marked-down shutdown-sessions
H
  for s in "$@"; do echo "  server s${s##*.} $s:6443 check verify none"; done; } > "$LAB/haproxy.cfg"
  for n in cp1 cp2 cp3; do cp "$LAB/haproxy.cfg" "$LAB/nodes/$n/root/etc/haproxy/haproxy.cfg"; in_node "$n" systemctl reload-or-restart haproxy; done; }
balance "$NET.30"; i=30
for n in cp1 cp2 cp3; do
  { printf 'vrrp_instance api {\n  state BACKUP\n  interface host0\n  virtual_router_id 51\n  priority %s\n  advert_int 1\n  unicast_src_ip %s\n  unicast_peer {\n' $((200 - i)) "$NET.$i"
    for p in 30 31 32; do [ $p = $i ] || echo "    $NET.$p"; done
    printf '  }\n  virtual_ipaddress {\n    %s/24 dev host0\n  }\n}\n' "$VIP"; } > "$LAB/nodes/$n/root/etc/keepalived/keepalived.conf"
  in_node "$n" systemctl enable -q --now haproxy keepalived 2>/dev/null; i=$((i + 1))
done; step load balancer
cat > "$LAB/nodes/cp1/root/root/certificate.sh" <<S
set -e
kubectl -n kube-system get cm kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' > /root/cc.yaml
sed -i "s#^apiServer: {}#apiServer:#; s#^apiServer:#controlPlaneEndpoint: $CPE\napiServer:\n  certSANs: [$NAME, $VIP]#" /root/cc.yaml
API=\$(grep ^apiVersion /root/cc.yaml | cut -d' ' -f2)
cat > /root/full.yaml <<Y
apiVersion: \$API
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $NET.30, bindPort: 6443}
nodeRegistration: {name: k8smaster1.example.com, criSocket: "unix:///run/containerd/containerd.sock"}
---
Y
cat /root/cc.yaml >> /root/full.yaml
rm -rf /root/stage; mkdir /root/stage; cp /etc/kubernetes/pki/ca.* /root/stage/
sed "s,^certificatesDir:.*,certificatesDir: /root/stage," /root/full.yaml > /root/staged.yaml
kubeadm init phase certs apiserver --config /root/staged.yaml
S
in_node cp1 bash /root/certificate.sh; step certificate staged
serial() { nsenter --net="/run/netns/$NS" openssl s_client -connect "$NET.30:6443" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
OLD=$(serial)
in_node cp1 sh -c 'cp /root/stage/apiserver.key /etc/kubernetes/pki/.k && mv /etc/kubernetes/pki/.k /etc/kubernetes/pki/apiserver.key && cp /root/stage/apiserver.crt /etc/kubernetes/pki/.c && mv /etc/kubernetes/pki/.c /etc/kubernetes/pki/apiserver.crt'
for _ in $(seq 1 900); do [ "$(serial)" != "$OLD" ] && break; sleep 0.1; done; step certificate served
in_node cp1 sh -c 'kubectl -n kube-system create cm kubeadm-config --from-file=ClusterConfiguration=/root/cc.yaml --dry-run=client -o yaml | kubectl replace -f -'; step kubeadm-config
in_node cp1 sh -c "kubectl -n kube-public get cm cluster-info -o yaml | sed 's#https://$NET.30:6443#https://$CPE#' | kubectl replace -f -"; step cluster-info
in_node cp1 sh -c "sed -i 's#https://$NET.30:6443#https://$CPE#' /etc/kubernetes/admin.conf; [ ! -f /etc/kubernetes/super-admin.conf ] || sed -i 's#https://$NET.30:6443#https://$CPE#' /etc/kubernetes/super-admin.conf"; step admin.conf
# Before 1.31 the kubelet of a control plane also uses the endpoint.
case $(in_node cp1 kubelet --version) in *v1.30.* | *v1.2*) in_node cp1 sh -c "sed -i 's#https://$NET.30:6443#https://$CPE#' /etc/kubernetes/kubelet.conf; systemctl restart kubelet"; step first kubelet ;; esac
for w in $WORKERS; do in_node "$w" sh -c "sed -i 's#https://$NET.30:6443#https://$CPE#' /etc/kubernetes/kubelet.conf; systemctl restart kubelet"; done; step workers
in_node cp1 sh -c "kubectl -n kube-system get cm kube-proxy -o yaml | sed 's#https://$NET.30:6443#https://$CPE#' | kubectl replace -f - && kubectl -n kube-system rollout restart ds/kube-proxy && kubectl -n kube-system rollout status ds/kube-proxy --timeout=120s" >/dev/null; step kube-proxy
KEY=$(openssl rand -hex 32)
sed "s#^nodeRegistration#certificateKey: $KEY\nnodeRegistration#" "$LAB/nodes/cp1/root/root/full.yaml" > "$LAB/nodes/cp1/root/root/upload.yaml"
in_node cp1 kubeadm init phase upload-certs --upload-certs --config /root/upload.yaml >/dev/null; step upload-certs
TOKEN=$(in_node cp1 kubeadm token create --ttl 1h)
HASH=sha256:$(in_node cp1 openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform der 2>/dev/null | sha256sum | cut -d' ' -f1); step token
API=$(grep ^apiVersion "$LAB/nodes/cp1/root/root/cc.yaml" | cut -d' ' -f2); i=30; BACKENDS="$NET.30"
for n in cp2 cp3; do i=$((i + 1))
  cat > "$LAB/nodes/$n/root/root/join.yaml" <<Y
apiVersion: $API
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: "$CPE", token: "$TOKEN", caCertHashes: ["$HASH"]}
nodeRegistration: {name: k8smaster$((i - 29)).example.com, criSocket: "unix:///run/containerd/containerd.sock", ignorePreflightErrors: [SystemVerification, FileContent--proc-sys-net-bridge-bridge-nf-call-iptables, HTTPProxyCIDR, HTTPProxy]}
controlPlane:
  localAPIEndpoint: {advertiseAddress: $NET.$i, bindPort: 6443}
  certificateKey: "$KEY"
Y
  in_node "$n" kubeadm join --config /root/join.yaml >/dev/null 2>&1; step "$n joined"
  BACKENDS="$BACKENDS $NET.$i"; balance $BACKENDS; step "$n behind the load balancer"
done
in_node cp1 kubectl -n kube-system rollout restart deployment/coredns >/dev/null; in_node cp1 kubectl -n kube-system rollout status deployment/coredns --timeout=120s >/dev/null; step coredns
in_node cp1 kubectl wait --for=condition=Ready nodes --all --timeout=120s >/dev/null; in_node cp1 kubectl get nodes
step done
