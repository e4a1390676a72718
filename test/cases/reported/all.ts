import { admissionCases } from './admission.js'
import type { PublicCase } from './case.js'
import { controlPlanesAlike } from './control-planes-alike.js'
import { folders } from './folders.js'
import { gateCases } from './gates.js'
import { hostPaths } from './host-paths.js'
import { kubeadmConfigTexts } from './kubeadm-config-texts.js'
import { machineCases } from './machines.js'
import { messages } from './messages.js'
import { oneNodesValues } from './one-nodes-values.js'
import { otherStaticPods } from './other-static-pods.js'
import { surroundings } from './surroundings.js'
import { yearsOldNodes } from './years-old-nodes.js'

/** Every public case, one shelf a subject. */
export const publicCases: readonly PublicCase[] = [
  ...admissionCases,
  ...controlPlanesAlike,
  ...folders,
  ...gateCases,
  ...hostPaths,
  ...kubeadmConfigTexts,
  ...machineCases,
  ...messages,
  ...oneNodesValues,
  ...otherStaticPods,
  ...surroundings,
  ...yearsOldNodes,
]
