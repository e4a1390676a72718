import type { NodeFacts, OtherStaticPod } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { toJoin } from '../facts/membership.js'
import { type KindOfPod, kindOfPod, usesSocket } from '../facts/other-static-pods.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'stray-manifests'

/** The kubelet reads every file there, whatever its ending: a backup copy runs the old pod (kubernetes#55596, kubeadm#2823). */
export const strayManifests: Check = {
  id,
  title: 'Static pod folders hold no copies, and joiners have the pods that the API server needs',
  async check(run) {
    const nodes = await withFacts(run, run.controlPlanes)
    const { kmsSockets } = await run.nodeFacts(run.first)
    return [
      ...nodes.flatMap(({ name, facts }) =>
        facts.strayManifests.map((file) => ofFile({ node: name, facts, file, kmsSockets })),
      ),
      ...(await withoutKmsPlugin(run, kmsSockets)),
    ]
  },
}

interface Stray {
  readonly node: string
  readonly facts: NodeFacts
  readonly file: string
  readonly kmsSockets: readonly string[]
}

function ofFile({ node, facts, file, kmsSockets }: Stray): Finding {
  const pod = facts.otherStaticPods.find((one) => one.file === file)
  const folder = foldersOf(facts).manifests
  const about = { id, node, evidence: evidenceOf(`${folder}/${file}`, pod) } as const
  const kind = pod === undefined ? 'no pod' : kindOfPod(pod, facts.otherStaticPods, kmsSockets)
  return { ...about, ...words(kind, { folder, file, pod: pod?.pod ?? '' }) }
}

function evidenceOf(path: string, pod: OtherStaticPod | undefined): string {
  if (pod === undefined) return path
  if (pod.problem.startsWith(path)) return pod.problem
  return `${path}: ${pod.problem === '' ? `pod ${pod.pod}, ${pod.images.join(', ')}` : pod.problem}`
}

interface FileOfPod {
  readonly folder: string
  readonly file: string
  readonly pod: string
}

function words(kind: KindOfPod, { folder, file, pod }: FileOfPod): Pick<Finding, 'severity' | 'message' | 'remedy'> {
  switch (kind) {
    case 'kms plugin':
      return {
        severity: 'info',
        message: `${file} runs the KMS plugin with which the API server decrypts: it is not changed`,
        remedy: 'Nothing to do on this node. Do not move the file: without the plugin no Secret can be read.',
      }
    case 'load balancer':
      return {
        severity: 'info',
        message: `${file} runs your own load balancer: it is not changed`,
        remedy:
          'Nothing to do. If clients are to use it as the endpoint, set loadBalancer.kind: external in the cluster file.',
      }
    case 'own pod':
      return {
        severity: 'warning',
        message: `${file} runs the static pod ${pod}, which is not from kubeadm: it is not changed, and the joining control planes do not get it`,
        remedy: `If the other control planes need it: copy ${folder}/${file}, and what it mounts, to each of them after it has joined. To accept this finding: add stray-manifests to policy.ignoreFindings with the reason.`,
      }
    default:
      return {
        severity: 'error',
        message:
          kind === 'copy'
            ? `the kubelet runs ${file} as a second ${pod}, beside the file of kubeadm`
            : `${file} is in the folder of static pods and is not a pod that the kubelet can run`,
        remedy: `On that node: mv ${folder}/${file} /root/`,
      }
  }
}

/** kubeadm copies no static pod, and its preflight allows one of another name before the join (kubeadm, preflight/checks.go): there it must be. */
async function withoutKmsPlugin(run: ConversionRun, kmsSockets: readonly string[]): Promise<Finding[]> {
  const joiners = await withFacts(run, await toJoin(run))
  const first = await run.nodeFacts(run.first)
  const { otherStaticPods } = first
  const theirs = foldersOf(first).manifests
  return joiners.flatMap(({ name, facts }) =>
    kmsSockets
      .filter((socket) => !facts.listeningUnixSockets.some((path) => realRun(path) === realRun(socket)))
      .filter((socket) => !facts.otherStaticPods.some((pod) => usesSocket(pod, socket)))
      .map((socket): Finding => {
        const manifest = otherStaticPods.find((pod) => usesSocket(pod, socket))?.file
        const here = foldersOf(facts).manifests
        return {
          id,
          severity: 'error',
          node: name,
          message: `the API server encrypts with the KMS plugin at ${socket}, and nothing serves that socket on this node: a joining API server would never be ready`,
          evidence: `${run.first.name}: ${manifest === undefined ? 'a plugin outside the static pod folder' : `${theirs}/${manifest}`}; here: no such static pod, and nothing listens on ${socket}`,
          remedy:
            manifest === undefined
              ? `Install and start the KMS plugin on this node as on ${run.first.name}: the unit or container that serves ${socket}.`
              : `Copy ${theirs}/${manifest} from ${run.first.name} to ${here}/ on this node, with the files that it mounts and their modes. The kubelet starts it when the node joins.`,
        }
      }),
  )
}

/** /var/run is a link to /run. */
const realRun = (path: string): string => path.replace(/^\/var\/run\//, '/run/')
