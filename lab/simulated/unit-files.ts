import { commandWords, splitUnitFiles } from '@quorate/shared/kubelet-command'
import type { SimulatedNode } from './node.js'

const folders = ['/usr/lib/systemd/system', '/etc/systemd/system']

/** What `systemctl cat` prints of a unit: each file after its path, drop-ins sorted by name; a file in /etc replaces one in /usr. */
export function unitFiles(node: SimulatedNode, unit: string): string {
  const own = folders.map((folder) => `${folder}/${unit}`).filter((path) => node.exists(path))
  const dropIns = folders.flatMap((folder) =>
    node.list(`${folder}/${unit}.d`).map((name) => [name, `${folder}/${unit}.d/${name}`] as const),
  )
  const sorted = [...new Map(dropIns)].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, path]) => path)
  return [...own.slice(-1), ...sorted].map((path) => `# ${path}\n${node.must(path)}`).join('\n')
}

/** The command line with which systemd starts a unit of this node. */
export const unitCommand = (node: SimulatedNode, unit: string): readonly string[] =>
  commandWords(splitUnitFiles(unitFiles(node, unit)), (path) => node.read(path))
