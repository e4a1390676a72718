import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { capture, must } from './shell.js'

export interface ImageSpec {
  /** The archive to write, in the format of `ctr images import`. */
  readonly file: string
  readonly reference: string
  /** Program on this machine -> path in the image. */
  readonly programs: Readonly<Record<string, string>>
  readonly entrypoint?: string
  /** A root file system whose iptables, nft and conntrack are copied into the image with their libraries: kube-proxy runs them. */
  readonly iptablesOf?: string
  /** Debian packages to unpack, with the libraries of `iptablesOf`. */
  readonly packages?: readonly string[]
}

const netfilterPrograms = [
  'iptables',
  'ip6tables',
  'iptables-save',
  'iptables-restore',
  'ip6tables-save',
  'ip6tables-restore',
  'nft',
  'conntrack',
]

async function addNetfilter(root: string, from: string): Promise<void> {
  for (const folder of ['usr/sbin', 'usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'run', 'tmp'])
    mkdirSync(join(root, folder), { recursive: true })
  for (const [link, target] of [
    ['lib', 'usr/lib'],
    ['lib64', 'usr/lib64'],
    ['bin', 'usr/bin'],
  ] as const)
    await must('ln', ['-sfn', target, join(root, link)])
  for (const name of netfilterPrograms) {
    // They are links through /etc/alternatives, which must be resolved within that root file system.
    const target = (await must('chroot', [from, 'readlink', '-f', `/usr/sbin/${name}`])).trim()
    await must('cp', ['-aL', join(from, target), join(root, 'usr/sbin', name)])
  }
  await must('cp', ['-a', join(from, 'usr/lib/x86_64-linux-gnu'), join(root, 'usr/lib/')])
  await must('cp', ['-aL', `${from}/usr/lib64/.`, join(root, 'usr/lib64/')])
  // Without it nft lists tcp as 6: a restarted kube-proxy does not recognise its own elements and deletes them after writing them.
  await must('cp', ['-aL', join(from, 'etc/protocols'), join(root, 'etc/')])
  // nginx looks up the user to run as.
  for (const name of ['passwd', 'group']) await must('cp', ['-aL', join(from, 'etc', name), join(root, 'etc/')])
  for (const name of ['sh', 'ls', 'cat']) await must('cp', ['-aL', join(from, 'bin', name), join(root, 'usr/bin/')])
  await capture('sh', [
    '-c',
    `rm -rf ${join(root, 'usr/lib/x86_64-linux-gnu')}/systemd ${join(root, 'usr/lib/x86_64-linux-gnu')}/perl* ${join(root, 'usr/lib/x86_64-linux-gnu')}/gconv`,
  ])
}

/** With apt, from this machine's mirror: Debian packages without their dependencies, unpacked into a folder below `work`. */
export async function unpackPackages(packages: readonly string[], work: string): Promise<string> {
  const unpacked = join(work, 'unpacked')
  await must('apt-get', ['download', '-q', ...packages], { cwd: work })
  for (const name of readdirSync(work).filter((each) => each.endsWith('.deb')))
    await must('dpkg', ['-x', join(work, name), unpacked])
  return unpacked
}

/** Their dependencies must already be in the image. */
async function addPackages(root: string, packages: readonly string[], work: string): Promise<void> {
  const unpacked = await unpackPackages(packages, work)
  // Not directly into the image: that would replace the link `lib` with a folder.
  for (const folder of readdirSync(unpacked)) await must('cp', ['-a', join(unpacked, folder), root])
}

function sha256(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    createReadStream(file)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')))
  })
}

/** Packs programs into an image archive of one layer (docker-archive): a lab has no registry. */
export async function packImage(spec: ImageSpec): Promise<void> {
  mkdirSync(dirname(spec.file), { recursive: true })
  const work = mkdtempSync(`${spec.file}.`)
  try {
    const [root, archive] = [join(work, 'root'), join(work, 'archive')]
    for (const folder of [root, archive]) mkdirSync(folder)
    if (spec.iptablesOf !== undefined) await addNetfilter(root, spec.iptablesOf)
    if (spec.packages !== undefined) await addPackages(root, spec.packages, work)
    for (const [from, to] of Object.entries(spec.programs)) await must('install', ['-D', '-m755', from, join(root, to)])
    await must('tar', ['--owner=0', '--group=0', '-C', root, '-cf', join(work, 'layer.tar'), '.'])
    const digest = await sha256(join(work, 'layer.tar'))
    mkdirSync(join(archive, digest))
    renameSync(join(work, 'layer.tar'), join(archive, digest, 'layer.tar'))
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {
        Env: ['PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
        Entrypoint: spec.entrypoint === undefined ? null : [spec.entrypoint],
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
      history: [{ created_by: 'lab' }],
    })
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`
    writeFileSync(join(archive, configName), config)
    writeFileSync(
      join(archive, 'manifest.json'),
      JSON.stringify([{ Config: configName, RepoTags: [spec.reference], Layers: [`${digest}/layer.tar`] }]),
    )
    await must('tar', ['-C', archive, '-cf', `${spec.file}.new`, configName, `${digest}/layer.tar`, 'manifest.json'])
    renameSync(`${spec.file}.new`, spec.file)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
