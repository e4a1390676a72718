import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { issue, newKey } from '../../../lab/simulated/certificates.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { ExpectedFinding, PublicCase } from './case.js'

type Put = (cluster: SimulatedCluster) => Promise<() => Promise<unknown>>

/** An object that is there for one case. */
const object =
  (folder: string, body: { metadata: { name: string } }): Put =>
  async ({ control }) => {
    await control.ask('kube', { method: 'POST', path: folder, body })
    return () => control.ask('kube', { method: 'DELETE', path: `${folder}/${body.metadata.name}` })
  }

interface Wish {
  readonly url: string
  readonly caBundle?: string
  readonly resources: readonly string[]
  readonly sideEffects?: string
}

const webhook = ({ url, caBundle, resources, sideEffects = 'None' }: Wish): Put =>
  object('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    metadata: { name: 'policy-agent' },
    ...{
      webhooks: [
        {
          name: 'validate.policy.example.com',
          clientConfig: { url, ...(caBundle === undefined ? {} : { caBundle }) },
          rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['', 'apps'], apiVersions: ['v1'], resources }],
          ...{ sideEffects, failurePolicy: 'Fail', admissionReviewVersions: ['v1'] },
        },
      ],
    },
  })

interface Review {
  readonly request: {
    readonly uid: string
    readonly name: string
    readonly userInfo: { readonly username: string }
    readonly object?: { readonly spec?: { readonly hostNetwork?: boolean } }
  }
}

/** A policy engine that really answers, and refuses what `refuses` says. */
const refusing =
  (resources: readonly string[], refuses: (request: Review['request']) => boolean): Put =>
  async (cluster) => {
    const key = await newKey()
    const pair = issue({ commonName: 'policy', ipAddresses: ['127.0.0.1'], usage: 'ca' }, key)
    const server = createServer({ cert: pair.cert, key: pair.key }, async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const { request: asked } = JSON.parse(text) as Review
      const allowed = !refuses(asked)
      const answer = { uid: asked.uid, allowed, ...(allowed ? {} : { status: { message: 'owner label is missing' } }) }
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const caBundle = Buffer.from(pair.cert).toString('base64')
    const takeOut = await webhook({ url: `https://127.0.0.1:${port}/`, caBundle, resources })(cluster)
    return async () => {
      await takeOut()
      server.closeAllConnections()
      server.close()
    }
  }

const found = (message: RegExp, remedy: RegExp, severity: 'error' | 'warning' = 'error'): ExpectedFinding => ({
  ...{ check: 'admission', severity, message, remedy, evidence: /dryRun=All/ },
})

const refused = (
  id: string,
  source: string,
  input: string,
  put: Put,
  finds: readonly ExpectedFinding[],
): PublicCase => ({
  ...{ id, kind: 'admission', source: [source], input, trial: { plan: { put, finds } } },
  outcome:
    finds.length === 0 ? 'accepted' : finds.some(({ severity }) => severity === 'error') ? 'blocked' : 'reported',
  answer:
    finds.length === 0
      ? 'Nothing: it lets pass what the run does.'
      : 'The plan tries each change as a dry run, and names who refuses, with what to type.',
})

const dead = 'https://127.0.0.1:9/validate'

/** What webhooks and quotas say in the middle of a run, asked before it. */
export const admissionCases: readonly PublicCase[] = [
  refused(
    'webhook-refuses-kubeadm-config',
    'Gatekeeper documentation, Failing Closed',
    'a policy engine refuses changes of ConfigMaps in kube-system by people',
    refusing(['configmaps'], ({ name }) => name === 'kubeadm-config'),
    [
      found(
        /validate\.policy\.example\.com refuses: update ConfigMap kube-system\/kubeadm-config$/,
        /kubectl get validatingwebhookconfiguration policy-agent -o yaml/,
      ),
    ],
  ),
  refused(
    'webhook-refuses-pods-of-kube-proxy',
    'Kyverno documentation, Pod Security policies',
    'a policy engine refuses new pods with hostNetwork, also those of controllers',
    refusing(['pods'], ({ object: pod }) => pod?.spec?.hostNetwork === true),
    [
      found(
        /create a pod of DaemonSet kube-system\/kube-proxy \(as system:serviceaccount:kube-system:daemon-set-controller\)$/,
        /Exempt/,
      ),
    ],
  ),
  refused(
    'webhook-lets-controllers-pass',
    'Kyverno documentation, Pod Security policies',
    'a policy engine refuses pods that people make, and lets controllers pass',
    refusing(['pods'], ({ userInfo }) => !userInfo.username.startsWith('system:')),
    [],
  ),
  refused(
    'webhook-refuses-nodes',
    'Gatekeeper documentation, required labels',
    'a policy engine refuses new Nodes without a label',
    refusing(['nodes'], ({ name }) => name.startsWith('k8smaster2')),
    [found(/create Node k8smaster2\.example\.com \(as system:node:k8smaster2\.example\.com\)$/, /Exempt/)],
  ),
  refused(
    'webhook-left-behind',
    'Kyverno documentation, Troubleshooting: API server is blocked',
    'a webhook whose Service was uninstalled long ago, with failurePolicy Fail',
    webhook({ url: dead, resources: ['secrets'] }),
    [
      found(
        /does not answer.*create Secret kube-system\/bootstrap-token-trial0; create Secret kube-system\/kubeadm-certs$/,
        /delete its leftovers: kubectl get validatingwebhookconfiguration policy-agent/,
      ),
    ],
  ),
  refused(
    'webhook-without-dry-run',
    'Kubernetes documentation, Dynamic Admission Control: side effects',
    'a webhook registered long ago with side effects',
    webhook({ url: dead, resources: ['daemonsets'], sideEffects: 'Unknown' }),
    [found(/has side effects.*restart DaemonSet kube-system\/kube-proxy$/, /NoneOnDryRun/, 'warning')],
  ),
  refused(
    'quota-of-secrets-used-up',
    'Kubernetes documentation, Resource Quotas: object counts',
    'a ResourceQuota on Secrets of kube-system that is used up',
    object('/api/v1/namespaces/kube-system/resourcequotas', {
      metadata: { name: 'objects' },
      ...{ spec: { hard: { secrets: '0' } } },
    }),
    [found(/ResourceQuota objects is used up: create Secret/, /edit resourcequota objects$/)],
  ),
]
