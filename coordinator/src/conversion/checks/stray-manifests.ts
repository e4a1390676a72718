import { foldersOf } from '../cluster-folders.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'stray-manifests'

/** The kubelet reads every file there, whatever its ending: a backup copy runs the old pod (kubernetes#55596, kubeadm#2823). */
export const strayManifests: Check = {
  id,
  title: 'The folders of static pods hold nothing unknown',
  async check(run) {
    const nodes = await withFacts(run, run.controlPlanes)
    return nodes.flatMap(({ name, facts }) =>
      facts.strayManifests.map(
        (file): Finding => ({
          id,
          severity: 'error',
          node: name,
          message: 'the kubelet runs a file in its folder of manifests that is none of the known static pods',
          evidence: `${foldersOf(facts).manifests}/${file}`,
          remedy: `On that node: mv ${foldersOf(facts).manifests}/${file} /root/. If it is a static pod of your own, add stray-manifests to policy.ignoreFindings with the reason.`,
        }),
      ),
    )
  },
}
