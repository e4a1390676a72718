import type { Explanation } from './explanation.js'

/** What the kubelet says of its own start, of its Node, and of the static pods that it runs. */
export const saidByKubelet: readonly Explanation[] = [
  {
    id: 'kubelet-not-configured',
    pattern: /failed to load [Kk]ubelet config file.{0,300}no such file or directory/,
    cause: 'The kubelet has no configuration yet: `kubeadm join` writes it. Before a join this is normal.',
    remedy: 'Join the node. If it has joined before, on that node: kubeadm upgrade node phase kubelet-config',
  },
  {
    id: 'kubelet-client-certificate-expired',
    pattern: /client certificate in \S{1,200} is expired|bootstrap client certificate.{0,100}expired/,
    cause: "The kubelet's client certificate expired while it could not renew it.",
    remedy:
      'On a control plane: kubeadm kubeconfig user --org system:nodes --client-name system:node:NAME > kubelet.conf; copy it to /etc/kubernetes/kubelet.conf of that node, then: systemctl restart kubelet',
  },
  {
    id: 'kubelet-without-credentials',
    pattern:
      /unable to load bootstrap kubeconfig: stat \S{1,200}: no such file|kubelet-client-current\.pem: no such file/,
    cause:
      'The kubelet has no usable client certificate and no bootstrap kubeconfig: the join did not finish, or /var/lib/kubelet/pki was deleted.',
    remedy:
      'On that node: kubeadm reset, then join it again. On a control plane that must stay: see `kubeadm kubeconfig user --help`',
  },
  {
    id: 'swap-on',
    pattern: /running with swap on is not supported|\[(?:ERROR|WARNING) Swap\]/,
    cause: 'Swap is on, and the kubelet of that node refuses to run with swap.',
    remedy: 'On that node: swapoff -a, and remove the swap line from /etc/fstab',
  },
  {
    id: 'kubelet-anonymous',
    pattern:
      /is forbidden: User "system:anonymous" cannot (?:create|get|list|patch|update) resource "(?:nodes|services|csinodes|leases)"/,
    cause: "The API server does not recognise the kubelet's certificate: another CA issued it, or it has expired.",
    remedy:
      'On that node: openssl x509 -noout -issuer -enddate -in /var/lib/kubelet/pki/kubelet-client-current.pem; compare with /etc/kubernetes/pki/ca.crt',
  },
  {
    id: 'node-name-differs',
    pattern: /node "?[\w.-]{1,253}"? (?:is not allowed to|cannot) modify node "?[\w.-]{1,253}"?/,
    cause: "The kubelet's certificate is for another node name: the host name changed, or kubelet.conf was copied.",
    remedy:
      'On that node: hostname; openssl x509 -noout -subject -in /var/lib/kubelet/pki/kubelet-client-current.pem; restore the host name, or kubeadm reset and join with nodeRegistration.name',
  },
  {
    id: 'static-pod-crashes',
    pattern: /restarting failed container=(?:kube-apiserver|kube-controller-manager|kube-scheduler|etcd) /,
    cause: 'The component starts and exits again. Its own log says why.',
    remedy: 'On that node: crictl logs $(crictl ps -a --name COMPONENT -q | head -1)',
  },
  {
    id: 'manifest-unreadable',
    pattern: /(?:Could not process manifest file|[Cc]an't process (?:manifest|config) file|invalid pod in manifest)/,
    cause:
      'A file in the folder of static pods is not a valid Pod: the kubelet keeps running the last valid one, or none.',
    remedy: 'On that node: kubectl apply --dry-run=client -f /etc/kubernetes/manifests/FILE',
  },
  {
    id: 'host-path-type',
    pattern: /hostPath type check failed: \S{1,300} is not a/,
    cause:
      'A pod mounts a path of its node that does not exist there, or is of another type. kubeadm does not create it.',
    remedy: 'On that node: ls -ld PATH; create the folder, or copy the file from the first control plane',
  },
  {
    id: 'kubelet-serving-certificate',
    pattern:
      /remote error: tls: internal error|no serving certificate available for the kubelet|TLS handshake error from \S{1,60}: no certificate available/,
    cause:
      "The kubelet has no serving certificate: with serverTLSBootstrap each new node's request waits for an approval. Until then logs, exec and metrics fail there.",
    remedy:
      'kubectl get csr; for those of kubernetes.io/kubelet-serving that you expect: kubectl certificate approve NAME',
  },
  {
    id: 'sandbox-image',
    pattern: /failed to get sandbox image|sandbox image "[^"]{1,200}" of the container runtime is inconsistent/,
    cause:
      'The container runtime is configured with a pause image that it cannot pull, or the image differs from the one that kubeadm uses.',
    remedy:
      "On that node: kubeadm config images list; set containerd's sandbox image (CRI-O: pause_image) to the pause image listed, then restart the runtime",
  },
  {
    id: 'disk-pressure',
    pattern:
      /(?:node had condition: \[DiskPressure\]|attempting to reclaim(?: ephemeral-storage|" resourceName="ephemeral-storage)|eviction manager: must evict pod)/,
    cause:
      'The disk of that node is almost full: the kubelet evicts pods and deletes images, also those of a joining control plane.',
    remedy: 'On that node: df -h /var/lib; crictl rmi --prune',
  },
  {
    id: 'cloud-provider-waits',
    pattern: /node\.cloudprovider\.kubernetes\.io\/uninitialized/,
    cause:
      'The new Node keeps this taint until the cloud controller manager recognises the machine. Until then nothing is scheduled there.',
    remedy:
      'kubectl -n kube-system get pods -o wide; look at the logs of the cloud controller manager; kubectl describe node NAME',
  },
  {
    id: 'runtime-socket-absent',
    pattern:
      /dial unix \S{0,200}(?:containerd|crio|cri-dockerd|dockershim)\.sock: connect: (?:no such file or directory|connection refused)/,
    cause: 'The container runtime does not run, or listens on another socket than the one configured.',
    remedy:
      'On that node: systemctl status containerd crio; ls /run/*/*.sock; nodeRegistration.criSocket names the socket',
  },
]
