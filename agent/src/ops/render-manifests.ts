import { randomUUID } from 'node:crypto'
import { posix } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { RenderManifestsRequest, RenderManifestsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { filePlace } from '@quorate/shared/text-place'
import { commands } from '../host/commands.js'
import type { Host } from '../host/host.js'
import { readFolders } from '../host/node-folders.js'
import { initDocument } from './cluster/control-plane.js'
import { readOperation } from './context/operation.js'
import { patchesFolder, staticPodComponents } from './context/paths.js'
import { lastLines } from './context/run-unit.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import { readMask } from './facts/node-mask.js'
import { podFacts } from './facts/static-pods.js'

/** What kubeadm would write for this control plane; nothing in use is touched, and its output is wiped. */
export const renderManifests = readOperation<RenderManifestsRequest, RenderManifestsResponse>(
  ({ clusterConfiguration, withPatches }, tools, signal) =>
    withRuntimeFolder(tools.host, `render-${randomUUID()}`, async (folder) => {
      const { host } = tools
      const [config, manifests] = [`${folder}/init.yaml`, `${folder}/manifests`]
      const document = await initDocument(tools, { clusterConfiguration, ...(withPatches ? { patchesFolder } : {}) })
      await host.replace(config, Buffer.from(document), { mode: 0o600 })
      for (const phase of ['control-plane all', 'etcd local'] as const) {
        const { exitCode, stdout, stderr } = await host.run(commands.renderManifests(phase, config, manifests), signal)
        if (exitCode === 0) continue
        const why = lastLines(stderr.trim() === '' ? stdout : stderr)
        throw new QuorateError('COMMAND_FAILED', `kubeadm init phase ${phase} --dry-run ended with ${exitCode}: ${why}`)
      }
      return { pods: await readRendered(host, manifests) }
    }),
)

/** They are in the folder, or in one that kubeadm made below it. With an external etcd there is no manifest of etcd. */
async function readRendered(host: Host, folder: string): Promise<RenderManifestsResponse['pods']> {
  const names: readonly string[] = staticPodComponents.map((component) => `${component}.yaml`)
  const files = (await host.tree(folder)).filter(
    ({ path, kind }) => kind === 'file' && names.includes(posix.basename(path)),
  )
  const mask = await readMask(host, await readFolders(host))
  return Promise.all(
    files.map(async ({ path }) =>
      podFacts((await host.read(path))?.bytes.toString('utf8') ?? '', mask, filePlace(path)),
    ),
  )
}
