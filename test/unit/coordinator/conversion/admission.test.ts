import { refusalOf } from '@quorate/coordinator/conversion/alike/admission'
import t from 'tap'

const tried = (error: string, more: object = {}) => ({
  ...{ change: 'update ConfigMap kube-system/kubeadm-config', asUser: '', httpStatus: 403, registeredBy: '' },
  ...{ error, altered: false, ...more },
})

/** Messages of kube-apiserver 1.30 to 1.37. */
const messages: readonly (readonly [string, string, 'error' | 'warning', RegExp])[] = [
  [
    'admission webhook "validate.kyverno.svc-fail" denied the request: resource ConfigMap/kube-system/kubeadm-config was blocked',
    'webhook validate.kyverno.svc-fail',
    'error',
    /kubectl get validatingwebhookconfigurations/,
  ],
  [
    'Internal error occurred: failed calling webhook "check.gatekeeper.sh": failed to call webhook: Post "https://gatekeeper.svc:443/v1/admit?timeout=3s": no endpoints available for service "gatekeeper"',
    'webhook check.gatekeeper.sh',
    'error',
    /failurePolicy: Ignore/,
  ],
  [
    'admission webhook "old.example.com" does not support dry run',
    'webhook old.example.com',
    'warning',
    /NoneOnDryRun/,
  ],
  [
    `configmaps "kubeadm-config" is forbidden: ValidatingAdmissionPolicy 'frozen' with binding 'frozen-all' denied request: failed expression: false`,
    'policy frozen',
    'error',
    /kubectl get validatingadmissionpolicybinding frozen-all/,
  ],
  [
    'secrets "kubeadm-certs" is forbidden: exceeded quota: objects, requested: secrets=1, used: secrets=5, limited: secrets=5',
    'quota objects',
    'error',
    /edit resourcequota objects$/,
  ],
  [
    'pods "kube-proxy-quorate-trial" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)',
    'PodSecurity restricted:latest',
    'error',
    /enforce=privileged --overwrite$/,
  ],
  [
    'users "system:node:a" is forbidden: User "kubernetes-admin" cannot impersonate resource "users" in API group "" at the cluster scope',
    'impersonation',
    'warning',
    /clusterrolebinding/,
  ],
  [
    'configmaps "kubeadm-config" is forbidden: User "kubernetes-admin" cannot update resource "configmaps" in API group "" in the namespace "kube-system"',
    'rights of kubernetes-admin',
    'error',
    /clusterrolebinding/,
  ],
  ['pods "a" is forbidden: no PriorityClass with name x was found', 'admission', 'error', /grep admission/],
  ['Pod "a" is invalid: spec.containers: Required value', 'the API server', 'warning', /explain/],
]

for (const [error, by, severity, remedy] of messages)
  t.test(error.slice(0, 80), async (t) => t.match(refusalOf(tried(error)), { by, severity, remedy }))

t.test('what is accepted as it was sent is nothing; what would be changed is an error', async (t) => {
  t.equal(refusalOf(tried('')), undefined)
  t.match(refusalOf(tried('', { altered: true })), { severity: 'error', by: 'a mutating webhook' })
})

t.test('the object that registers a webhook is named in the command', async (t) => {
  const registeredBy = 'mutatingwebhookconfiguration injector'
  const seen = refusalOf(tried('admission webhook "a.b" denied the request: no', { registeredBy }))
  t.match(seen?.remedy, 'kubectl get mutatingwebhookconfiguration injector -o yaml')
})
