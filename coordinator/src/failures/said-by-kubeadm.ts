import type { Explanation } from './explanation.js'

/** What kubeadm says before it touches etcd: discovery, the shared certificates, its preflight. */
export const saidByKubeadm: readonly Explanation[] = [
  {
    id: 'no-stable-endpoint',
    pattern: /stable controlPlaneEndpoint/,
    cause:
      'kubeadm-config has no controlPlaneEndpoint. Nothing was changed on the joiner: it can join as soon as the value is set.',
    remedy:
      '`quorate convert` sets it once its prerequisites are met. By hand: kubectl -n kube-system edit configmap kubeadm-config',
  },
  {
    id: 'certificates-secret-gone',
    pattern: /Secret "kubeadm-certs" was not found/,
    cause:
      'The shared certificates were uploaded more than two hours ago, or never: the Secret expires with its token.',
    remedy:
      'On a control plane: kubeadm init phase upload-certs --upload-certs --config FILE, and join with the key that it prints.',
  },
  {
    id: 'certificate-key-wrong',
    pattern: /error decoding secret data with provided key|decoding error:.{0,400}message authentication failed/,
    cause: 'The certificate key belongs to an earlier upload: each upload has its own key.',
    remedy: 'On a control plane: kubeadm init phase upload-certs --upload-certs --config FILE, and take the new key.',
  },
  {
    id: 'secret-incomplete',
    pattern: /the Secret does not include the required certificate or key/,
    cause: 'The upload was made without --config on a cluster with external etcd, or from a node that lacked a file.',
    remedy:
      'On a control plane: kubeadm init phase upload-certs --upload-certs --config FILE, with the ClusterConfiguration.',
  },
  {
    id: 'shared-keys-absent',
    pattern:
      /failure loading (?:key for service account|certificate for CA|key for CA)|couldn't load the private key file \S{0,300}sa\.key/,
    cause: 'No certificate key was given, so kubeadm looked for the shared keys on the node, and they are not there.',
    remedy:
      'Join with --certificate-key of a fresh upload: kubeadm init phase upload-certs --upload-certs --config FILE',
  },
  {
    id: 'join-forbidden',
    pattern: /is forbidden: User "system:bootstrap:[a-z0-9]{1,20}" cannot/,
    cause:
      'The role that allows bootstrap tokens to read it is missing, or the token lacks the group that the role is bound to.',
    remedy:
      'On a control plane: kubeadm init phase bootstrap-token; for kubeadm-certs: kubeadm init phase upload-certs --upload-certs --config FILE',
  },
  {
    id: 'token-unknown',
    pattern: /token id "[^"]{0,300}" is invalid for this cluster or it has expired/,
    cause:
      'The token has expired or belongs to another cluster, or a clock is off by more than the lifetime of the token.',
    remedy: 'On a control plane: kubeadm token list, then kubeadm token create; on both: timedatectl',
  },
  {
    id: 'token-not-signed',
    pattern: /could not find a JWS signature in the cluster-info ConfigMap/,
    cause:
      'cluster-info is not signed for this token: the controller-manager does not lead, or its bootstrap signer is off.',
    remedy:
      'kubectl -n kube-system get lease kube-controller-manager -o yaml; its manifest needs --controllers=*,bootstrapsigner,tokencleaner',
  },
  {
    id: 'signature-wrong',
    pattern: /failed to verify JWS signature of received cluster info/,
    cause: 'cluster-info was changed and not signed again, or the secret half of the token is wrong.',
    remedy:
      'On a control plane: kubeadm token create, and join with the new token; if it stays, restart the controller-manager.',
  },
  {
    id: 'discovery-unauthorized',
    pattern:
      /couldn't validate the identity of the API Server:.{0,400}Unauthorized|[Ff]ailed to request cluster[- ]info.{0,400}Unauthorized/,
    cause: 'The API server refuses anonymous requests (--anonymous-auth=false), and discovery by token needs one.',
    remedy:
      'Allow them for cluster-info with an AuthenticationConfiguration (1.31 and later), or join with discovery.file.',
  },
  {
    id: 'ca-not-pinned',
    pattern: /cluster CA found in cluster-info ConfigMap is invalid|none of the public keys .{0,400} are pinned/,
    cause:
      "The pin does not match the CA in cluster-info: it was computed from another file, or the cluster's CA was rotated.",
    remedy:
      'On a control plane: openssl x509 -in /etc/kubernetes/pki/ca.crt -pubkey -noout | openssl pkey -pubin -outform der | sha256sum',
  },
  {
    id: 'upload-failed',
    pattern: /error uploading certs:/,
    cause:
      'kubeadm could not send its Secret to the API server: without --config it calls the address of the default route, which the certificate may lack.',
    remedy:
      'Give --config with localAPIEndpoint.advertiseAddress; openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt',
  },
  {
    id: 'flags-refused',
    pattern:
      /unknown flag: --(?:config|upload-certs)\b|can not mix '--config' with arguments|unknown command "upload" for "kubeadm config"/,
    cause: 'This kubeadm does not take these flags together: they belong to another phase or another version.',
    remedy: 'kubeadm version; kubeadm init phase upload-config kubeadm --config FILE replaces `kubeadm config upload`.',
  },
  {
    id: 'version-not-fetched',
    pattern: /could not fetch a Kubernetes version from the internet/,
    cause: 'No version was given, so kubeadm looked it up on the internet, which this node does not reach.',
    remedy: 'Give --config with kubernetesVersion, as kubeadm-config has it.',
  },
  {
    id: 'cluster-status-stale',
    pattern: /failed to get ?APIEndpoint/,
    cause: 'kubeadm 1.21 or older looks for this node in a ClusterStatus that nothing keeps up to date.',
    remedy:
      'kubectl -n kube-system edit configmap kubeadm-config, and delete the nodes that are gone from ClusterStatus.',
  },
  {
    id: 'serving-certificate-absent',
    pattern: /unable to load server certificate: open \S{0,300}apiserver\.crt: no such file/,
    cause: 'The certificate was moved away before a new one existed.',
    remedy: 'On that node: kubeadm init phase certs apiserver --config FILE',
  },
  {
    id: 'feature-gate-gone',
    pattern: /unrecognized feature-gate key/,
    cause: 'kubeadm-config names a feature gate that this version of kubeadm no longer knows.',
    remedy: 'kubectl -n kube-system edit configmap kubeadm-config, and delete it under featureGates.',
  },
  {
    id: 'port-in-use',
    pattern: /\bPort-\d{1,6}\]?: Port \d{1,6} is in use/,
    cause:
      'Something listens there already: a load balancer on the port of the API server, or the remains of an earlier join.',
    remedy:
      'On that node: ss -ltnp; give the load balancer another port (8443), or remove the remains with kubeadm reset.',
  },
  {
    id: 'leftovers',
    pattern: /\b(?:FileAvailable|DirAvailable)--\S{0,300}\]?: \S{1,300} (?:already exists|is not empty)/,
    cause: 'The node has files from an earlier cluster or from an unfinished join.',
    remedy: 'If nothing needs them, on that node: kubeadm reset && rm -rf /etc/cni/net.d. Never ignore `all`.',
  },
  {
    id: 'node-name-taken',
    pattern: /a Node with name "?[^"\s]{1,253}"? and status "?Ready"? already exists/,
    cause: 'A machine with that name is in the cluster: the joiner would take over its Node.',
    remedy:
      'kubectl get node NAME -o wide; give the joiner another name, or kubectl delete node NAME if that machine is gone.',
  },
]
