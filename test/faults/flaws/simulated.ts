import { readFileSync } from 'node:fs'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { ApiObject, FlawedCluster, ObjectName } from './flawed-cluster.js'

function pathOf({ plural, namespace, name }: ObjectName, withName = true): string {
  const api = plural === 'deployments' ? '/apis/apps/v1' : '/api/v1'
  return `${api}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}${withName ? `/${name}` : ''}`
}

/** The simulated cluster as flaws are put into it. */
export async function simulatedFlaws(
  cluster: SimulatedCluster,
  clusterFile = cluster.clusterFile,
): Promise<FlawedCluster> {
  const { control } = cluster
  const kube = (method: string, path: string, body?: object) =>
    control.ask<{ status: number; body: unknown }>('kube', {
      ...{ method, path, body },
      ...(method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {}),
    })
  const holder = await control.ask<string | null>('virtualIpHolder')
  return {
    endpointHost: 'apiserver.example.com',
    virtualIp: cluster.world.virtualIp,
    spare: holder === cluster.node('cp3').name ? 'cp2' : 'cp3',
    node: (short) => cluster.node(short),
    async readFile(short, path) {
      try {
        return readFileSync(cluster.node(short).root + path, 'utf8')
      } catch {
        return undefined
      }
    },
    writeFile: (short, path, text) => control.ask('writeFile', { node: cluster.node(short).name, path, text }),
    removeFile: (short, path) => control.ask('removeFile', { node: cluster.node(short).name, path }),
    async systemctl(short, verb, unit) {
      const { exitCode, stderr } = await cluster.sh(short, ['systemctl', verb, unit])
      if (exitCode !== 0) throw new Error(stderr)
    },
    readObject: async (object) => (await kube('GET', pathOf(object))).body as ApiObject,
    async patchObject(object, patch) {
      if (patch === undefined) return void (await kube('DELETE', pathOf(object)))
      const { status } = await kube('PATCH', pathOf(object), patch)
      if (status === 404) await kube('POST', pathOf(object, false), { metadata: { name: object.name }, ...patch })
    },
    addEtcdLearner: (peerUrl) => control.ask('addEtcdMember', { peerUrl }),
    removeEtcdLearners: () => control.ask('removeEtcdLearners'),
    verify: () => cluster.quorate(['verify', '-f', clusterFile, '-o', 'json']),
  }
}
