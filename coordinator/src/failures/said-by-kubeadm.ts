import type { Explanation } from './explanation.js'

/** What kubeadm says before it touches etcd: discovery, the shared certificates, its preflight. */
export const saidByKubeadm: readonly Explanation[] = [
  {
    id: 'no-stable-endpoint',
    pattern: /stable controlPlaneEndpoint/,
    cause: 'kubeadm-config has no controlPlaneEndpoint. Nothing was changed on the joiner: it can join right after.',
    remedy:
      '`quorate convert` sets it, after everything that it requires. By hand: kubectl -n kube-system edit configmap kubeadm-config',
  },
  {
    id: 'certificates-secret-gone',
    pattern: /Secret "kubeadm-certs" was not found/,
    cause: 'The shared certificates were uploaded more than two hours ago, or never: the Secret ends with its token.',
    remedy:
      'On a control plane: kubeadm init phase upload-certs --upload-certs --config FILE, and join with the key that it prints.',
  },
  {
    id: 'certificate-key-wrong',
    pattern: /error decoding secret data with provided key|decoding error:.{0,400}message authentication failed/,
    cause: 'The certificate key is of an earlier upload: each upload has a key of its own.',
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
      'The role by which a bootstrap token may read it is gone, or the token lacks the group that the role is bound to.',
    remedy:
      'On a control plane: kubeadm init phase bootstrap-token; for kubeadm-certs: kubeadm init phase upload-certs --upload-certs --config FILE',
  },
  {
    id: 'token-unknown',
    pattern: /token id "[^"]{0,300}" is invalid for this cluster or it has expired/,
    cause:
      'The token has expired or was never of this cluster; or a clock is wrong by more than the time that it lives.',
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
      'Allow them for cluster-info by an AuthenticationConfiguration (1.31 and later), or join with discovery.file.',
  },
  {
    id: 'ca-not-pinned',
    pattern: /cluster CA found in cluster-info ConfigMap is invalid|none of the public keys .{0,400} are pinned/,
    cause: "The pin is not of the CA in cluster-info: it was made of another file, or the cluster's CA was rotated.",
    remedy:
      'On a control plane: openssl x509 -in /etc/kubernetes/pki/ca.crt -pubkey -noout | openssl pkey -pubin -outform der | sha256sum',
  },
  {
    id: 'upload-failed',
    pattern: /error uploading certs:/,
    cause:
      "kubeadm did not get its Secret to the API server: without --config it calls the default route's address, which the certificate may lack.",
    remedy:
      'Give --config with localAPIEndpoint.advertiseAddress; openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt',
  },
  {
    id: 'flags-refused',
    pattern:
      /unknown flag: --(?:config|upload-certs)\b|can not mix '--config' with arguments|unknown command "upload" for "kubeadm config"/,
    cause: 'This kubeadm does not take these flags together: they belong to another phase or another version.',
    remedy:
      'kubeadm version; kubeadm init phase upload-config kubeadm --config FILE takes the place of `kubeadm config upload`.',
  },
  {
    id: 'version-not-fetched',
    pattern: /could not fetch a Kubernetes version from the internet/,
    cause: 'kubeadm was not told the version and asked the network, which this node does not reach.',
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
    cause: 'The certificate was moved away before a new one was there.',
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
      'Something listens there already: a load balancer on the port of the API server, or what an earlier join left.',
    remedy: 'On that node: ss -ltnp; give the load balancer another port (8443), or kubeadm reset what was left.',
  },
  {
    id: 'leftovers',
    pattern: /\b(?:FileAvailable|DirAvailable)--\S{0,300}\]?: \S{1,300} (?:already exists|is not empty)/,
    cause: 'Files of an earlier cluster, or of a join that did not end, are on the node.',
    remedy: 'If nothing needs them, on that node: kubeadm reset && rm -rf /etc/cni/net.d. Never ignore `all`.',
  },
  {
    id: 'node-name-taken',
    pattern: /a Node with name "?[^"\s]{1,253}"? and status "?Ready"? already exists/,
    cause: 'A machine of that name is in the cluster: the joiner would take its Node over.',
    remedy:
      'kubectl get node NAME -o wide; give the joiner another name, or kubectl delete node NAME if that machine is gone.',
  },
]
