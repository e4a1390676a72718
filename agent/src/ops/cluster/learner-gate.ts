import { turnOnFeatureGate } from '@quorate/shared/cluster-config-map'
import type { LearnerGateBefore } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { learnerGatePath } from '../context/paths.js'

/** kubeadm's feature gate that adds a new etcd member as a learner (kubernetes/kubernetes#113318). */
const learnerGate = 'EtcdLearnerMode'

export const withLearnerGate = (text: string): string => turnOnFeatureGate(text, learnerGate)

/** Where the text before the gate is kept: beside the backups, because it is restored within the run. */
interface GatePlace {
  readonly host: Host
  readonly stateFolder: string
}

/** kubeadm-config before a run set the gate; undefined if no run did, or it was restored. */
export async function readLearnerGate({ host, stateFolder }: GatePlace): Promise<LearnerGateBefore | undefined> {
  const file = await host.read(learnerGatePath(stateFolder))
  return file === undefined ? undefined : (JSON.parse(file.bytes.toString('utf8')) as LearnerGateBefore)
}

/** On the disk before the ConfigMap is written: after any crash the gate can be restored. */
export async function keepLearnerGate({ host, stateFolder }: GatePlace, before: LearnerGateBefore): Promise<void> {
  await host.replace(learnerGatePath(stateFolder), Buffer.from(`${JSON.stringify(before)}\n`), { mode: 0o600 })
}

export async function forgetLearnerGate({ host, stateFolder }: GatePlace): Promise<void> {
  await host.remove(learnerGatePath(stateFolder))
}
