import { installCommand } from '@quorate/shared/package-manager'
import { holds } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'crictl'

/** Older kubeadm versions need crictl in PATH (`FileExisting-crictl`); later ones talk CRI themselves. */
export const crictl: Check = {
  id,
  title: 'crictl is installed where kubeadm needs it',
  beside: "kubeadm's own preflight asks for it up to 1.30.",
  async check(run) {
    if (run.file.policy.ignorePreflightErrors.includes('FileExisting-crictl')) return []
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes
      .filter(
        ({ facts }) =>
          facts.kubeadmVersion !== '' && holds('crictl-needed', facts.kubeadmVersion) && !facts.crictlInstalled,
      )
      .map(
        ({ name, facts }): Finding => ({
          id,
          severity: 'error',
          node: name,
          message: `kubeadm ${facts.kubeadmVersion} does not join without crictl`,
          evidence: 'crictl: not found in PATH',
          remedy: `On that node: ${installCommand(facts.machine, ['cri-tools'])}`,
        }),
      )
  },
}
