import type { Finding } from '../context/finding.js'
import { sharedKubeletConfig } from '../facts/component-configs.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'swap'

/** The kubelet does not start with swap on unless the cluster's own configuration says failSwapOn: false. */
export const swap: Check = {
  id,
  title: 'Swap is off on the joiners, or the cluster allows it',
  async check(run) {
    const { failSwapOn } = sharedKubeletConfig(await run.clusterFacts())?.value ?? {}
    if (failSwapOn === false || run.file.policy.ignorePreflightErrors.includes('Swap')) return []
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes
      .filter(({ facts: { swapOn: on } }) => on)
      .map(
        ({ name }): Finding => ({
          id,
          severity: 'error',
          node: name,
          message: 'swap is on: the kubelet would not start',
          evidence: '/proc/swaps is not empty; kubelet-config does not say failSwapOn: false',
          remedy: 'On that node: swapoff -a, and remove the swap line from /etc/fstab',
        }),
      )
  },
}
