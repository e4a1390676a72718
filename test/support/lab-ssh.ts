import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../../lab/real/lab.js'
import type { LabNode } from '../../lab/real/machines/node.js'
import { must } from '../../lab/real/machines/shell.js'

/** Of the user admin on each node, for sudo. */
export const password = 'correct-horse'

interface Served {
  /** Folder with the files of the packages. */
  readonly packages: string
  readonly publicKey: string
}

/** Puts the files of packages onto a node. */
export async function unpackOnto(node: LabNode, packages: string): Promise<void> {
  // Not by cp: it would not follow the link `lib` of a node.
  const unpack = 'tar -C "$0" -cf - . | tar -C "$1" --no-same-owner --keep-directory-symlink -xf -'
  await must('sh', ['-c', unpack, packages, node.root])
}

/** sshd and sudo on a node, and an administrator who may become root in one of the ways that people have. */
export async function serveSsh(node: LabNode, { packages, publicKey }: Served, sudo: string): Promise<void> {
  await unpackOnto(node, packages)
  await node.put('/etc/sudoers.d/admin', sudo, '0440')
  await node.put(
    '/etc/ssh/sshd_config',
    'PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nSubsystem sftp internal-sftp\n',
  )
  await node.must([
    'sh',
    '-c',
    `chmod 4755 /usr/bin/sudo; mkdir -p /run/sshd; id sshd 2>/dev/null || useradd -r -d /run/sshd -s /usr/sbin/nologin sshd
     useradd -m -s /bin/bash admin; echo 'admin:${password}' | chpasswd`,
  ])
  await must('ssh-keygen', ['-A', '-f', node.root])
  for (const [home, owner] of [
    ['/root', 'root'],
    ['/home/admin', 'admin'],
  ] as const) {
    await node.must(['install', '-d', '-m700', '-o', owner, '-g', owner, `${home}/.ssh`])
    await node.put(`${home}/.ssh/authorized_keys`, publicKey, '0600')
    await node.must(['chown', `${owner}:${owner}`, `${home}/.ssh/authorized_keys`])
  }
  await node.must(['systemd-run', '--unit=lab-sshd', '--collect', '/usr/sbin/sshd', '-D'])
}

export interface WayOfSsh {
  readonly user: 'root' | 'admin'
  /** The node through which it is reached. */
  readonly jump?: string
}

/**
 * The operator's own ssh: its configuration, key and known hosts, none of them yet, and an `ssh` to put first in PATH that names the configuration and
 * writes down in `asked` what it was asked.
 */
export async function operatorsSsh(
  lab: Lab,
  way: (short: string) => WayOfSsh,
): Promise<{ readonly folder: string; readonly publicKey: string }> {
  const folder = join(lab.folder, 'ssh')
  mkdirSync(folder)
  await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'id')])
  const hosts = lab.nodes.map(({ spec: { short }, address }) => {
    const { user, jump } = way(short)
    const through = jump === undefined ? '' : `  ProxyJump ${jump}\n`
    return `Host ${short}\n  HostName ${address}\n  User ${user}\n${through}`
  })
  const common = `Host *\n  IdentityFile ${folder}/id\n  IdentitiesOnly yes\n  UserKnownHostsFile ${folder}/known_hosts\n`
  writeFileSync(join(folder, 'config'), [...hosts, common].join(''))
  writeFileSync(
    join(folder, 'ssh'),
    `#!/bin/sh\nprintf '%s\\n' "$*" >> ${folder}/asked\nexec /usr/bin/ssh -F ${folder}/config "$@"\n`,
  )
  chmodSync(join(folder, 'ssh'), 0o755)
  return { folder, publicKey: readFileSync(join(folder, 'id.pub'), 'utf8') }
}

/** The operator knows the key of each node's sshd. */
export async function knowHosts(lab: Lab, folder: string): Promise<void> {
  for (const node of lab.nodes) {
    const key = (await node.must(['cat', '/etc/ssh/ssh_host_ed25519_key.pub'])).split(' ').slice(0, 2).join(' ')
    writeFileSync(join(folder, 'known_hosts'), `${node.address} ${key}\n`, { flag: 'a' })
  }
}

/** The lab's cluster file, with the name that ssh has for each node. */
export function writeClusterFileBySsh(lab: Lab): void {
  lab.writeClusterFile()
  const named = lab.nodes.reduce(
    (text, { address, spec }) => text.replace(`address: ${address}}`, `address: ${address}, ssh: ${spec.short}}`),
    readFileSync(lab.clusterFile, 'utf8'),
  )
  writeFileSync(lab.clusterFile, named)
}
