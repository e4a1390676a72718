import { existsSync, renameSync, rmSync } from 'node:fs'
import { capture, must, timed } from './shell.js'

/** Debian releases for nodes. */
export const suites = ['bullseye', 'bookworm', 'trixie'] as const
export type Suite = (typeof suites)[number]

const nodePackages =
  'systemd,systemd-sysv,dbus,iproute2,iptables,nftables,conntrack,ethtool,socat,kmod,procps,ca-certificates,curl,openssl,containerd,runc,containernetworking-plugins,haproxy,keepalived,iputils-ping,util-linux,libc-bin'

/** The mirror of this machine's apt; undefined, and with it debootstrap's default, if it has none of Debian's. */
async function debianMirror(): Promise<string | undefined> {
  const targets = await capture('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
    'Component: main',
  ])
  return targets.stdout.split('\n').find((line) => /\/debian\/?$/.test(line))
}

/** The root file system of a Debian node, with what a node needs. */
export async function ensureRootfs(suite: Suite, root: string): Promise<void> {
  if (existsSync(`${root}/usr`)) return
  await timed(`debootstrap of Debian ${suite} (about 2 minutes, once)`, async () => {
    const staged = `${root}.new`
    rmSync(staged, { recursive: true, force: true })
    const mirror = await debianMirror()
    await must('debootstrap', [
      '--variant=minbase',
      `--include=${nodePackages}`,
      suite,
      staged,
      ...(mirror === undefined ? [] : [mirror]),
    ])
    for (const unit of ['haproxy', 'keepalived', 'systemd-networkd', 'systemd-resolved']) {
      // The packages enable them; on an operator's node they are installed and disabled until Quorate starts them.
      await capture('systemctl', ['--root', staged, 'disable', unit])
    }
    renameSync(staged, root)
  })
}
