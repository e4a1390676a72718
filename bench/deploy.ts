/**
 * `npm run bench -- deploy [nodes]`: what `quorate deploy` sends, and how long it takes, over one ssh to each of thirteen machines (systemd-nspawn
 * with Debian's sshd and sudo, all on this one). Root.
 */
import { freePrefix, Lab } from '../lab/real/lab.js'
import { sshPackages } from '../lab/real/machines/cache.js'
import { ensurePrograms } from '../lab/real/machines/programs.js'
import { capture } from '../lab/real/machines/shell.js'
import { knowHosts, operatorsSsh, serveSsh, writeClusterFileBySsh } from '../test/support/lab-ssh.js'

const version = 'v1.37.2'

/** Installed, looked at again, removed: each ends with 0. */
export async function deploy(count = 13): Promise<void> {
  const settings = { version, workers: count - 3, prefix: freePrefix() }
  const lab = Lab.make(`bench-deploy-${process.pid}`, settings)
  try {
    await ensurePrograms(process.cwd())
    await lab.boot()
    const { folder, publicKey } = await operatorsSsh(lab, () => ({ user: 'admin' }))
    const packages = await sshPackages()
    for (const node of lab.nodes) await serveSsh(node, { packages, publicKey }, 'admin ALL=(ALL) NOPASSWD: ALL\n')
    await knowHosts(lab, folder)
    writeClusterFileBySsh(lab)
    for (const more of [['--yes'], ['--yes'], ['--remove', '--yes']]) {
      const began = performance.now()
      const [command, argv] = lab.quorate(['deploy', '-f', lab.clusterFile, ...more])
      const ended = await capture('env', [`PATH=${folder}:${process.env['PATH']}`, command, ...argv])
      console.log(ended.stdout)
      if (ended.exitCode !== 0) throw new Error(ended.stderr)
      console.log(`deploy ${more.join(' ')}: ${count} nodes, ${((performance.now() - began) / 1000).toFixed(1)} s`)
    }
  } finally {
    await lab.down()
  }
}
