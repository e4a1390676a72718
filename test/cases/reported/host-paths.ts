import { mkdirSync, rmSync } from 'node:fs'
import { sharedFiles } from '@quorate/coordinator/conversion/checks/shared-files'
import { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import type { Test } from 'tap'
import { fakeRun } from '../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld } from '../../support/paper-cluster/world.js'
import type { PublicCase } from './case.js'
import { inFile, together } from './put.js'

const { cp1, cp2 } = nodeNames
const kms = ['kubernetes-sigs/cluster-api#3019', "HashiCorp's Vault KMS guide"]

interface Trial {
  readonly file: Partial<SharedFile>
  /** What lies on both joiners. */
  readonly there?: Readonly<Record<string, string>>
  readonly sha256?: Readonly<Record<string, string>>
  /** Node, message and remedy of the one error; undefined where there is none. */
  readonly error?: readonly [node: string, message: RegExp, remedy: RegExp]
}

/** The check over a first control plane with one such path. */
const check =
  ({ file, there = {}, sha256 = {}, error }: Trial) =>
  async (t: Test): Promise<void> => {
    const world = soundWorld()
    const shareable = /^\/(etc|var\/lib)\/kubernetes\//.test(file.path ?? '')
    world.facts[cp1]?.sharedFiles.push(SharedFile.fromPartial({ component: 'kube-apiserver', shareable, ...file }))
    world.kinds = Object.fromEntries(world.file.controlPlanes.map(({ name }) => [name, { ...there }]))
    world.sha256 = Object.fromEntries(world.file.controlPlanes.map(({ name }) => [name, { ...sha256 }]))
    const errors = (await sharedFiles.check(fakeRun(world))).filter(({ severity }) => severity === 'error')
    if (error === undefined) return void t.same(errors, [])
    const [node, message, remedy] = error
    t.match(errors[0], { node, message, remedy })
  }

const hostPath = (
  id: string,
  input: string,
  answer: string,
  trial: Trial & { readonly source?: readonly string[] },
): PublicCase => ({
  ...{ id, kind: 'A4', input, answer, source: trial.source ?? kms },
  outcome: trial.error === undefined ? 'accepted' : 'blocked',
  trial: { call: check(trial) },
})

const manifest = '/etc/kubernetes/manifests/kube-scheduler.yaml'
const mounts =
  (name: string, path: string, type: string) =>
  (text: string): string =>
    text
      .replace(/^( *)volumeMounts:\n/m, `$1volumeMounts:\n$1- {mountPath: ${path}, name: ${name}}\n`)
      .replace(/^( *)volumes:\n/m, `$1volumes:\n$1- {name: ${name}, hostPath: {path: ${path}, type: ${type}}}\n`)

const folderOnFirst = (path: string) => async (cluster: Parameters<ReturnType<typeof inFile>>[0]) => {
  const real = cluster.node('cp1').root + path
  mkdirSync(real, { recursive: true })
  return async () => rmSync(real, { recursive: true })
}

/** hostPaths of static pods by what lies there and by their type. */
export const hostPaths: readonly PublicCase[] = [
  {
    id: 'kms-socket-folder',
    kind: 'A4',
    source: kms,
    input: 'a static pod mounts /var/run/kmsplugin with type Directory; the joiners have no such folder',
    outcome: 'blocked',
    answer: 'An error for each joiner with the command that makes the folder, now and at each boot.',
    trial: {
      plan: {
        put: together(
          folderOnFirst('/var/run/kmsplugin'),
          inFile('cp1', manifest, mounts('kms', '/var/run/kmsplugin', 'Directory')),
        ),
        finds: [
          ...['cp2', 'cp3'].map((on) => ({
            ...{ check: 'shared-files', severity: 'error' as const, on },
            message: /kube-scheduler needs \/var\/run\/kmsplugin: the kubelet does not create it/,
            remedy: /mkdir -p \/var\/run\/kmsplugin.*\/etc\/tmpfiles\.d\/kmsplugin\.conf/,
          })),
          // Written into the manifest by hand, and into nothing from which a joiner's is made.
          {
            ...{ check: 'control-planes-alike', severity: 'error', on: 'cp1' },
            message: /mount \/var\/run\/kmsplugin of kube-scheduler/,
          },
        ],
      },
    },
  },
  hostPath(
    'kms-socket-in-folder',
    "the KMS plugin's socket lies in a folder that is mounted",
    'An error: start the plugin there first.',
    {
      file: { path: '/var/run/kmsplugin/socket.sock', kind: 'socket' },
      there: { '/var/run/kmsplugin': 'directory' },
      error: [
        cp2,
        /socket, which cannot be copied/,
        /start the program that listens on \/var\/run\/kmsplugin\/socket\.sock/,
      ],
    },
  ),
  hostPath('kms-socket-on-joiner', 'the plugin runs on the joiners already', 'Nothing.', {
    file: { path: '/var/run/kmsplugin/socket.sock', kind: 'socket', type: 'Socket', mounted: true },
    there: { '/var/run/kmsplugin/socket.sock': 'socket' },
  }),
  hostPath(
    'socket-type-a-file-there',
    'a hostPath of type Socket where the joiner has a file',
    'An error that names both kinds.',
    {
      file: { path: '/run/kms.sock', kind: 'socket', type: 'Socket', mounted: true },
      there: { '/run/kms.sock': 'file' },
      error: [cp2, /there it is a file, on .* a socket/, /mv \/run\/kms\.sock/],
    },
  ),
  hostPath(
    'folder-made-by-the-kubelet',
    'a folder of type DirectoryOrCreate that joiners lack',
    'Nothing: the kubelet makes it.',
    {
      file: {
        path: '/var/run/kmsplugin',
        kind: 'directory',
        directory: true,
        type: 'DirectoryOrCreate',
        mounted: true,
      },
      source: ['kubernetes documentation, hostPath volume types'],
    },
  ),
  hostPath(
    'folder-made-by-the-runtime',
    'an empty folder without a type that joiners lack',
    'Nothing: the container runtime makes it.',
    {
      file: { path: '/opt/plugins', kind: 'directory', directory: true, mounted: true },
      source: ['kubernetes documentation, hostPath volume types'],
    },
  ),
  hostPath(
    'pki-by-type',
    '/etc/pki with type Directory on a joiner of another distribution',
    'An error with the command.',
    {
      file: { path: '/etc/pki', kind: 'directory', directory: true, type: 'Directory', mounted: true },
      source: ['banzaicloud/pke#47'],
      error: [cp2, /kube-apiserver needs \/etc\/pki/, /mkdir -p \/etc\/pki/],
    },
  ),
  hostPath(
    'folder-where-a-file-belongs',
    'a folder that the runtime made on a joiner where the file was missing',
    'An error: remove it.',
    {
      file: { path: '/etc/kubernetes/audit.yaml', kind: 'file', sha256: 'ab', type: '', mounted: true },
      there: { '/etc/kubernetes/audit.yaml': 'directory' },
      source: ['kubernetes/kubernetes#102715'],
      error: [cp2, /there it is a directory/, /rmdir \/etc\/kubernetes\/audit\.yaml/],
    },
  ),
  hostPath(
    'file-with-other-content',
    'the joiner has the file with other content',
    'An error before anything is changed, with the comparison to type.',
    {
      file: { path: '/etc/kubernetes/audit.yaml', kind: 'file', sha256: 'ab', type: 'File', mounted: true },
      there: { '/etc/kubernetes/audit.yaml': 'file' },
      sha256: { '/etc/kubernetes/audit.yaml': 'cd' },
      source: ['kubernetes/kubernetes#102715'],
      error: [cp2, /with different content/, /diff \/etc\/kubernetes\/audit\.yaml/],
    },
  ),
  hostPath(
    'absent-on-first',
    'a file that a flag names and that does not exist on the first control plane either',
    'An error that says so, on the first control plane.',
    {
      file: { path: '/etc/kubernetes/audit.yaml', kind: '' },
      error: [cp1, /does not exist on k8smaster1\.example\.com/, /ls -ld \/etc\/kubernetes\/audit\.yaml/],
    },
  ),
  hostPath(
    'absent-strict-type',
    'a hostPath of type File that somebody deleted on the first control plane',
    'An error that says so.',
    {
      file: { path: '/etc/kubernetes/enc/keys.yaml', kind: '', type: 'File', mounted: true },
      error: [cp1, /does not exist/, /kube-apiserver\.yaml/],
    },
  ),
  hostPath(
    'file-or-create-without-folder',
    'FileOrCreate below a folder that the joiner lacks',
    'An error: the kubelet makes the file, not its folder.',
    {
      file: { path: '/var/log/kube/audit.log', kind: '', type: 'FileOrCreate', mounted: true },
      error: [cp2, /but not \/var\/log\/kube/, /mkdir -p \/var\/log\/kube/],
      source: ['kubernetes documentation, hostPath volume types'],
    },
  ),
  hostPath('file-too-large', 'a file of 3 MiB', 'An error with its size and the command that copies it.', {
    file: { path: '/etc/kubernetes/geo.db', kind: 'file', bytes: 3 * 2 ** 20 },
    error: [cp2, /3\.0 MiB it is too large/, /scp -p root@k8smaster1\.example\.com:\/etc\/kubernetes\/geo\.db/],
  }),
  hostPath('file-too-large-there', 'a file of 3 MiB that the operator copied', 'Nothing.', {
    file: { path: '/etc/kubernetes/geo.db', kind: 'file', bytes: 3 * 2 ** 20 },
    there: { '/etc/kubernetes/geo.db': 'file' },
  }),
  hostPath('device-file', 'a TPM or HSM device', 'An error: the joiner needs the device.', {
    file: { path: '/dev/tpm0', kind: 'character device', type: 'CharDevice', mounted: true },
    error: [cp2, /character device, which cannot be copied/, /ls -l \/dev\/tpm0/],
  }),
  hostPath('file-outside', 'a file below /srv', 'An error with the command that copies it.', {
    file: { path: '/srv/oidc/ca.pem', kind: 'file', sha256: 'ab', bytes: 10 },
    error: [cp2, /copies files only below/, /scp -p/],
  }),
  hostPath(
    'folder-of-thousands',
    'a folder with more files than are brought along',
    'An error with the command that copies it.',
    {
      file: { path: '/etc/webhooks', kind: 'directory', directory: true, mounted: true, cut: true },
      error: [cp2, /more than 200 files/, /scp -pr/],
    },
  ),
]
