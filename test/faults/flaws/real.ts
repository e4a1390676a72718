import type { Lab } from '../../../lab/real/lab.js'
import { capture } from '../../../lab/real/machines/shell.js'
import type { ApiObject, FlawedCluster, ObjectName } from './flawed-cluster.js'

const of = ({ plural, namespace, name }: ObjectName): readonly string[] => [
  plural,
  name,
  ...(namespace === undefined ? [] : ['--namespace', namespace]),
]
const kinds = { configmaps: 'ConfigMap', nodes: 'Node', deployments: 'Deployment' } as const

const pki = '/etc/kubernetes/pki/etcd'

/** Real nodes as flaws are put into them. */
export async function realFlaws(lab: Lab): Promise<FlawedCluster> {
  const first = lab.node('cp1')
  const holdsAddress = async (short: string): Promise<boolean> =>
    (await lab.node(short).must(['ip', '-o', 'addr'])).includes(` ${lab.virtualIP}/`)
  const kubectl = (args: readonly string[], input?: string) => first.must(['kubectl', ...args], input)
  const etcdctl = (args: readonly string[]) =>
    first.must([
      ...['etcdctl', `--endpoints=https://${first.address}:2379`, `--cacert=${pki}/ca.crt`],
      ...[`--cert=${pki}/healthcheck-client.crt`, `--key=${pki}/healthcheck-client.key`, ...args],
    ])
  return {
    endpointHost: 'apiserver.example.com',
    virtualIp: lab.virtualIP,
    spare: (await holdsAddress('cp3')) ? 'cp2' : 'cp3',
    node: (short) => ({ name: lab.node(short).spec.name, address: lab.node(short).address }),
    async readFile(short, path) {
      const { exitCode, stdout } = await lab.node(short).sh(['cat', path])
      return exitCode === 0 ? stdout : undefined
    },
    async writeFile(short, path, text) {
      // Beside it under a name that the kubelet does not read, with the mode that was; then by rename.
      const script = `d=$(dirname "$0"); mkdir -p "$d"; umask 077; t="$d/.flaw"; cat > "$t"
        if [ -e "$0" ]; then chmod --reference="$0" "$t"; chown --reference="$0" "$t"; fi; mv "$t" "$0"`
      await lab.node(short).must(['sh', '-c', script, path], text)
    },
    removeFile: async (short, path) => void (await lab.node(short).must(['rm', '-f', path])),
    systemctl: async (short, verb, unit) => void (await lab.node(short).must(['systemctl', verb, unit])),
    readObject: async (object) => JSON.parse(await kubectl(['get', ...of(object), '-o', 'json'])) as ApiObject,
    async patchObject(object, patch) {
      if (patch === undefined) return void (await kubectl(['delete', ...of(object), '--wait']))
      const exists = (await first.sh(['kubectl', 'get', ...of(object)])).exitCode === 0
      if (exists) return void (await kubectl(['patch', ...of(object), '--type=merge', '-p', JSON.stringify(patch)]))
      const { plural, namespace, name } = object
      const made = { apiVersion: 'v1', kind: kinds[plural], metadata: { name, namespace }, ...patch }
      await kubectl(['create', '-f', '-'], JSON.stringify(made))
    },
    addEtcdLearner: async (peerUrl) =>
      void (await etcdctl(['member', 'add', 'left-over', '--learner', `--peer-urls=${peerUrl}`])),
    async removeEtcdLearners() {
      const { members } = JSON.parse(await etcdctl(['-w', 'json', '--hex', 'member', 'list'])) as {
        members: readonly { ID: string; name: string }[]
      }
      // With --hex etcdctl leaves out who learns; one that never started has no name.
      for (const { ID, name } of members) if (name === '') await etcdctl(['member', 'remove', ID])
    },
    verify: () => capture(...lab.quorate(['verify', '-f', lab.clusterFile, '-o', 'json'])),
  }
}
