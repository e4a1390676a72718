import { apiServerExtraArgs } from '@quorate/shared/cluster-config-map'
import { toJoin } from '../membership.js'
import { patchedBy, patchesFolder } from '../patches.js'
import type { Check, Finding } from './check.js'

const id = 'hand-edited-manifests'
const component = 'kube-apiserver'

/** Flags that kubeadm gives the API server by itself, in any release (app/phases/controlplane/manifests.go, getAPIServerCommand). */
const ownFlags = new Set([
  ...['advertise-address', 'allow-privileged', 'authorization-mode', 'client-ca-file', 'enable-admission-plugins'],
  ...['enable-bootstrap-token-auth', 'etcd-cafile', 'etcd-certfile', 'etcd-keyfile', 'etcd-servers', 'feature-gates'],
  ...['kubelet-client-certificate', 'kubelet-client-key', 'kubelet-preferred-address-types', 'insecure-port'],
  ...['proxy-client-cert-file', 'proxy-client-key-file', 'requestheader-allowed-names', 'requestheader-client-ca-file'],
  ...['requestheader-extra-headers-prefix', 'requestheader-group-headers', 'requestheader-username-headers'],
  ...['secure-port', 'service-account-issuer', 'service-account-key-file', 'service-account-signing-key-file'],
  ...['service-cluster-ip-range', 'tls-cert-file', 'tls-private-key-file'],
])

/** With these on one API server alone, what is stored or who is let in depends on which one a client meets. */
const mustBeAlike = new Set([
  ...['encryption-provider-config', 'authentication-config', 'authorization-config', 'anonymous-auth'],
  ...['oidc-issuer-url', 'token-auth-file', 'api-audiences', 'authentication-token-webhook-config-file'],
])

/** kubeadm makes a joiner's manifest from kubeadm-config and its patches: what somebody wrote into the first one's alone is lost there (kubernetes#102715). */
export const handEditedManifests: Check = {
  id,
  title: "The first API server's flags are those that kubeadm will give the joiners'",
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    if ((await toJoin(run)).length === 0 || patchedBy(facts).has(component)) return []
    const known = apiServerExtraArgs((await run.clusterFacts()).kubeadmConfig?.text ?? '')
    const command = facts.staticPods.find((pod) => pod.component === component)?.command ?? []
    return command.flatMap((word): Finding[] => {
      const [, flag = ''] = /^--([a-z0-9-]+)/.exec(word) ?? []
      if (flag === '' || ownFlags.has(flag) || known.has(flag)) return []
      return [
        {
          id,
          severity: mustBeAlike.has(flag) ? 'error' : 'warning',
          node: run.first.name,
          message: `--${flag} stands in ${component}.yaml alone: kubeadm does not know it, and the joiners' API servers would run without it`,
          evidence: `${component}.yaml: ${word}`,
          remedy: `kubectl -n kube-system edit configmap kubeadm-config, and add ${flag} (and its files' extraVolumes) under apiServer; or put a kubeadm patch for ${component} into ${patchesFolder}.`,
        },
      ]
    })
  },
}
