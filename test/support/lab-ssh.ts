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
