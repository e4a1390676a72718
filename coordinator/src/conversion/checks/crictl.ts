import { atLeast } from '@quorate/shared/kubernetes-version'
import { toJoin } from '../membership.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'crictl'

/** kubeadm's preflight wants crictl in PATH up to 1.30 (`FileExisting-crictl`); later ones talk CRI themselves. */
export const crictl: Check = {
  id,
  title: 'crictl is there where kubeadm still needs it',
  async check(run) {
    if (run.file.policy.ignorePreflightErrors.includes('FileExisting-crictl')) return []
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes
      .filter(
        ({ facts }) => facts.kubeadmVersion !== '' && !atLeast(facts.kubeadmVersion, '1.31') && !facts.crictlInstalled,
      )
      .map(
        ({ name, facts }): Finding => ({
          id,
          severity: 'error',
          node: name,
          message: `kubeadm ${facts.kubeadmVersion} does not join without crictl`,
          evidence: 'crictl: not found in PATH',
          remedy: 'On that node: apt-get install cri-tools',
        }),
      )
  },
}
