import type { Explanation } from './explanation.js'

/** What the API server, the controller-manager and the scheduler say, and what kubectl repeats of it. */
export const saidByApiServer: readonly Explanation[] = [
  {
    id: 'kms-plugin-absent',
    pattern:
      /kms-providers?(?:-\d{1,3})? failed|dial unix \S{0,200}(?:kms|vault|encryption|\/socket\.sock)\S{0,100}: connect: |unix socket: \S{0,200}kms|failed to (?:get version from|dial) (?:remote )?KMS/i,
    cause:
      'The API server reaches no KMS plugin on its node: kubeadm copies neither the plugin nor its socket to a joiner.',
    remedy:
      'Run the plugin on that node too, as on the first control plane, before it joins: its static pod or unit, and the folder of its socket. On that node: ls -l the endpoint of the EncryptionConfiguration',
  },
  {
    id: 'encryption-key-differs',
    pattern:
      /no matching (?:prefix|key was) found(?: for the provided \w{1,20} transformer)?|unable to transform key "/,
    cause:
      'This API server cannot decrypt what another one wrote: its encryption configuration is missing or has other keys.',
    remedy:
      'sha256sum the file of --encryption-provider-config on every control plane; copy it from the first one, then: crictl ps --name kube-apiserver -q | xargs crictl stop',
  },
  {
    id: 'service-account-key-differs',
    pattern: /invalid bearer token|error in cryptographic primitive|serviceaccount: token is not valid/i,
    cause:
      'A token that another control plane issued is refused: sa.key and sa.pub, or --service-account-issuer, differ between control planes.',
    remedy:
      'On every control plane: sha256sum /etc/kubernetes/pki/sa.pub; grep service-account-issuer /etc/kubernetes/manifests/kube-apiserver.yaml',
  },
  {
    id: 'api-server-without-etcd',
    pattern:
      /dial tcp (?:127\.0\.0\.1|\[::1\]):2379: connect: connection refused|error creating storage factory:|Unable to create storage backend/,
    cause: 'The API server reaches no etcd on its own node: etcd there does not run, or its certificate is refused.',
    remedy: 'On that node: crictl ps -a --name etcd; crictl logs $(crictl ps -a --name etcd -q | head -1)',
  },
  {
    id: 'audit-log-not-written',
    pattern:
      /open \S{0,200}audit\S{0,200}\.log: (?:no such file or directory|permission denied|is a directory)|ensureLogFile: /,
    cause: 'The folder of the audit log does not exist on that node or is not mounted: kubeadm does not create it.',
    remedy: 'On that node: mkdir -p the folder of --audit-log-path, with the same mode as on the first control plane',
  },
  {
    id: 'leader-lost',
    pattern:
      /leader ?election lost|[Ff]ailed to renew lease kube-system\/|[Ff]ailed to update lock(?: optimistically)?:/,
    cause:
      'A controller-manager or scheduler could not renew its Lease in time and restarted: its API server or etcd was slow, or changed its leader. Another instance takes over.',
    remedy:
      'kubectl -n kube-system get lease; once during a join is expected. If it repeats, look at the disk of etcd: etcdctl endpoint status --cluster',
  },
  {
    id: 'lock-not-read',
    pattern: /error retrieving resource lock [\w-]{1,63}\/(?!plndr)/,
    cause: 'A controller-manager or scheduler cannot read its Lease: the server of its kubeconfig does not answer.',
    remedy:
      'On that node: grep server: /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf; curl -k https://THAT_SERVER/readyz',
  },
  {
    id: 'webhook-not-reached',
    pattern: /failed calling webhook "[^"]{1,253}"/,
    cause: 'An admission webhook did not answer, and its failurePolicy is Fail: no API server can make the change.',
    remedy:
      'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations; bring the Service behind it up, or exclude kube-system by its namespaceSelector',
  },
  {
    id: 'webhook-denied',
    pattern:
      /admission webhook "[^"]{1,253}" denied the request|ValidatingAdmissionPolicy '[^']{1,253}' with binding '[^']{1,253}' denied request/,
    cause: 'A policy of this cluster refuses the change.',
    remedy:
      'Exempt kube-system and the kubeadm objects in the policy that the message names, then run the command again',
  },
  {
    id: 'admin-rights-gone',
    pattern:
      /is forbidden: User "(?:kubernetes-admin|kube-apiserver-kubelet-client)" cannot|Forbidden \(user=kube-apiserver-kubelet-client,/,
    cause:
      'From 1.29 on, admin.conf has its rights from the ClusterRoleBinding kubeadm:cluster-admins, and that is gone.',
    remedy:
      'On the first control plane: kubectl --kubeconfig /etc/kubernetes/super-admin.conf create clusterrolebinding kubeadm:cluster-admins --clusterrole=cluster-admin --group=kubeadm:cluster-admins',
  },
  {
    id: 'kubectl-without-kubeconfig',
    pattern: /connection to the server localhost:8080 was refused/,
    cause: 'kubectl has no kubeconfig and asked its default address. This says nothing about the cluster.',
    remedy: 'export KUBECONFIG=/etc/kubernetes/admin.conf, then run kubectl again',
  },
]
