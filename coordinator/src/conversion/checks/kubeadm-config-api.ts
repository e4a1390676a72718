import { configApis } from '@quorate/shared/kubeadm-documents'
import { holds, knowledgeOf } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'kubeadm-config-api'

/** kubeadm join reads the document of Quorate and kubeadm-config: it refuses both in a version that it no longer supports (util/config/common.go), the second after discovery. */
export const kubeadmConfigApi: Check = {
  id,
  title: "The joiners' kubeadm reads the configuration that Quorate writes and kubeadm-config",
  async check(run) {
    const stored = (await clusterConfiguration(run))?.apiVersion
    const nodes = await withFacts(run, await toJoin(run))
    return nodes.flatMap(({ name, facts: { kubeadmVersion: version, kubeadmConfigApi: api } }) => {
      if (version === '') return []
      if (api === '') return [ofUnwritten(name, version)]
      return stored === undefined || reads(version, stored) ? [] : [ofStored(name, version, stored)]
    })
  },
}

/** Only versions that kubeadm is known to have dropped, or not to have yet: of a newer kubeadm only its answer is known. */
function reads(version: string, stored: string): boolean {
  if (stored === 'v1beta3') return holds('config-v1beta3', version)
  if (stored === 'v1beta4') return holds('config-v1beta4', version)
  return knowledgeOf(version) === 'newer'
}

const ofUnwritten = (node: string, version: string): Finding => ({
  id,
  severity: 'error',
  node,
  message: `kubeadm ${version} accepts no configuration API version that Quorate writes, or did not answer`,
  evidence: `kubeadm config validate accepted no JoinConfiguration of ${configApis.join(', ')}`,
  remedy:
    'On that node: kubeadm config print join-defaults. If that works, this release of Kubernetes needs a newer Quorate.',
})

const ofStored = (node: string, version: string, stored: string): Finding => ({
  id,
  severity: 'error',
  node,
  message: `kubeadm ${version} does not read kubeadm-config as it is stored: its join would be refused`,
  evidence: `kubeadm-config: apiVersion: kubeadm.k8s.io/${stored}`,
  remedy:
    'On a control plane whose kubeadm reads both versions: save ClusterConfiguration of the ConfigMap kubeadm-config as old.yaml, then kubeadm config migrate --old-config old.yaml --new-config new.yaml && kubeadm init phase upload-config kubeadm --config new.yaml',
})
