import type { Explanation } from './explanation.js'

/** What kubeadm says of its configuration, of versions and of what lies on a node. */
export const saidByKubeadmOfNodes: readonly Explanation[] = [
  {
    id: 'kubeadm-config-absent',
    pattern:
      /ConfigMap "kubeadm-config" in the "kube-system" namespace was not found|configmaps "kubeadm-config" not found/,
    cause: 'The cluster has no kubeadm-config: it was deleted, or another installer made the cluster.',
    remedy: 'On a control plane: kubeadm init phase upload-config kubeadm --config FILE, with the ClusterConfiguration',
  },
  {
    id: 'configuration-too-old',
    pattern:
      /your configuration file uses an old API spec|no kind "\w{1,40}" is registered for version "kubeadm\.k8s\.io\/\w{1,20}"/,
    cause: 'This kubeadm does not read that version of the configuration API.',
    remedy:
      'kubeadm config migrate --old-config OLD --new-config NEW, with the kubeadm of the version that the file was made for',
  },
  {
    id: 'configuration-field-unknown',
    pattern: /strict decoding error: (?:unknown|duplicate) field|error unmarshaling (?:JSON|configuration)/,
    cause:
      'The configuration has a field that its kind and version do not have: a typing error, or a wrong indentation.',
    remedy: 'kubeadm config validate --config FILE',
  },
  {
    id: 'kubeadm-version',
    pattern:
      /Kubernetes version is greater than kubeadm version|only supports deploying clusters with the control plane version >= \S{1,20}/,
    cause: 'The kubeadm of that node does not match the version of the cluster: a joiner needs the same minor version.',
    remedy: 'kubeadm version -o short; kubectl version; install the kubeadm of the cluster on the joiner',
  },
  {
    id: 'several-runtimes',
    pattern: /found multiple CRI endpoints on the host/,
    cause: 'Two container runtimes are installed on that node, and kubeadm does not choose one.',
    remedy:
      'kubeadm join with nodeRegistration.criSocket: unix:///run/containerd/containerd.sock in its configuration, or remove the other runtime',
  },
  {
    id: 'certificate-not-of-its-ca',
    pattern: /certificate \S{1,60} (?:is )?not signed by (?:corresponding CA|CA certificate)/,
    cause: 'A certificate on that node was issued by another CA: the pki folder is mixed from two clusters.',
    remedy:
      'On that node: openssl verify -CAfile /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/apiserver.crt; on a joiner: kubeadm reset, and join again',
  },
  {
    id: 'key-of-another-certificate',
    pattern: /private key does not match public key/,
    cause: 'A key and a certificate are not a pair: one of the two files was copied or replaced alone.',
    remedy:
      'Compare openssl x509 -noout -pubkey -in FILE.crt with openssl pkey -pubout -in FILE.key; copy both from the same node',
  },
  {
    id: 'node-not-annotated',
    pattern: /[Ee]rror (?:uploading crisocket|writing Crisocket information)/,
    cause:
      'kubeadm waited for the Node and the kubelet did not register it: the kubelet does not run, or uses another name.',
    remedy: 'On that node: journalctl -u kubelet -n 50; hostname; kubectl get nodes',
  },
  {
    id: 'cluster-info-absent',
    pattern:
      /configmaps "cluster-info" (?:not found|is forbidden)|there is no \S{1,60} key in the cluster-info ConfigMap/,
    cause:
      'cluster-info is missing, or cannot be read without credentials: bootstrap tokens were never set up, or it was deleted.',
    remedy: 'On a control plane: kubeadm init phase bootstrap-token',
  },
  {
    id: 'discovery-timed-out',
    pattern:
      /abort connecting to API servers after timeout|Failed to request cluster-info, will try again: .{0,300}(?:timeout|deadline exceeded|Timeout)/,
    cause: 'The joiner does not reach the configured endpoint: a firewall blocks it, or no node holds the address yet.',
    remedy: 'From the joiner: curl -k https://ENDPOINT/readyz; nc -vz ADDRESS PORT',
  },
  {
    id: 'static-pod-not-restarted',
    pattern: /static Pod hash for component \S{1,60} on Node \S{1,253} did not change after/,
    cause:
      'The kubelet did not restart the component after its manifest changed: it does not run, or cannot pull the image.',
    remedy: 'On that node: journalctl -u kubelet -n 50; crictl ps -a --name COMPONENT',
  },
  {
    id: 'flag-removed',
    pattern: /unknown flag: --(?!config\b|upload-certs\b)[\w-]{1,80}|flag provided but not defined: -/,
    cause:
      'The program does not have this flag: its version removed it, and a unit, a manifest or kubeadm-config still sets it.',
    remedy:
      'On that node: grep -rn FLAG /etc/kubernetes/manifests /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/systemd/system/kubelet.service.d; remove it there and from kubeadm-config',
  },
  {
    id: 'name-not-reachable',
    pattern: /hostname "[^"]{1,253}" could not be reached/,
    cause: "The node's name does not resolve on the node itself. kubeadm only warns.",
    remedy: 'On that node: getent hosts NAME; add the name with its address to /etc/hosts',
  },
]
