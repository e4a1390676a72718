import { usualKubelet } from '@quorate/shared/kubelet-command'
import type { Finding } from '../context/finding.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'kubelet-kubeconfig'
const usual = usualKubelet.kubeconfig

/** kubeadm's join starts the kubelet and waits for this very file (cmd/phases/join/kubelet.go); a node in the cluster may have another. */
export const kubeletKubeconfig: Check = {
  id,
  title: `The kubelets of joiners read ${usual}`,
  beside: 'A kubelet with another kubeconfig runs well until a join waits for the file that kubeadm writes.',
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }): Finding[] => {
      const { kubeletKubeconfig: used, kubeletKubeconfigSetIn: setIn } = foldersOf(facts)
      if (used === usual) return []
      const evidence = `${setIn || 'kubelet'}: --kubeconfig=${used}`
      if (joining.some((node) => node.name === name))
        return [
          {
            ...{ id, severity: 'error', node: name, evidence },
            message: `the kubelet reads ${used}, and kubeadm join waits for ${usual}: the join would not finish`,
            remedy: `On that node: remove --kubeconfig=${used} from ${setIn || 'the command line of the kubelet'}, then systemctl daemon-reload`,
          },
        ]
      return [
        {
          ...{ id, severity: 'info', node: name, evidence },
          message: `the kubelet reads ${used}: that file is updated, ${usual} is left as it is`,
          remedy: 'Nothing to do.',
        },
      ]
    })
  },
}
