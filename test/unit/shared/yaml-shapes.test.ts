import assert from 'node:assert/strict'
import { readClusterConfiguration, setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import { initDocuments } from '@quorate/shared/kubeadm-documents'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'

const endpoint = 'apiserver.example.com:8443'
const sans = ['apiserver.example.com', '192.168.13.100']

/** The rest of a ClusterConfiguration, around what a case is about. */
const around = (text: string): string =>
  `apiVersion: kubeadm.k8s.io/v1beta4\n${text}kind: ClusterConfiguration\nkubernetesVersion: v1.37.2 # pinned\n`

/** Ways to write what kubeadm reads, as people's editors and templates leave it. */
const shapes: Readonly<Record<string, string>> = {
  'a comment where the map would be': around('apiServer:   # nothing yet\n'),
  'a comment below an empty key': around('apiServer:\n  # nothing yet\n'),
  'a tab before the comment': around('apiServer:\t# nothing yet\n'),
  'a tilde': around('apiServer: ~   # none\n'),
  'an empty map over lines, with a comment': around('apiServer: { # none\n  }\n'),
  'a tagged empty map': around('apiServer: !!map {} # none\n'),
  'an empty map with an anchor of its own': around('apiServer: &api {} # none\n'),
  'a null list': around('apiServer:\n  certSANs:   # to come\n  timeoutForControlPlane: 4m\n'),
  'an empty list with a comment': around('apiServer:\n  certSANs: []   # to come\n'),
  'an empty list over lines': around('apiServer:\n  certSANs: [ # to come\n  ]\n'),
  'a list that is an alias': around('x-names: &names [a.example.com]\napiServer:\n  certSANs: *names\n'),
  'a map that is an alias': around('x-none: &none {extraArgs: []}\napiServer: *none\n'),
  'a map by a merge key': around('x-base: &base {certSANs: [a.example.com]}\napiServer:\n  <<: *base\n'),
  'a list with comments between': around('apiServer:\n  certSANs:\n  # first\n  - a.example.com # a\n  # last\n'),
  'a flow list with a comma at its end': around('apiServer:\n  certSANs: [a.example.com, ]\n'),
  'a flow list over lines': around('apiServer:\n  certSANs: [\n    a.example.com, # a\n    b.example.com  # b\n  ]\n'),
  'an item in a block': around('apiServer:\n  certSANs:\n  - >-\n    a.example.com\n'),
  'a quoted key': around('"apiServer":\n  "certSANs": ["a.example.com"]\n'),
  'an explicit key': around('? apiServer\n: certSANs:\n  - a.example.com\n'),
  'a comment before the first marker': `# of prod\n---\n${around('apiServer: {}\n')}`,
  'a marker': `---\n${around('apiServer: {}\n')}`,
  'markers at both ends': `--- # prod\n${around('apiServer: {}\n')}...\n`,
  'a directive': `%YAML 1.2\n---\n${around('apiServer: {}\n')}`,
  'a byte order mark': `\uFEFF${around('zzz: 1\n')}`,
  'a byte order mark and a marker': `\uFEFF---\n${around('apiServer: {}\n')}`,
  'a marker at the end': `${around('apiServer: {}\n')}---\n`,
  'one line of JSON':
    '{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration","kubernetesVersion":"v1.37.2","apiServer":{"certSANs":["a.example.com"]}}',
  'one line of JSON with nulls':
    '{"apiServer":null,"apiVersion":"kubeadm.k8s.io/v1beta4","controlPlaneEndpoint":null,"kind":"ClusterConfiguration","kubernetesVersion":"v1.37.2"}',
  'indented JSON': JSON.stringify(
    {
      apiServer: { certSANs: [] },
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      kubernetesVersion: 'v1.37.2',
    },
    undefined,
    '\t',
  ),
  'one flow map': `{apiVersion: kubeadm.k8s.io/v1beta4, kind: ClusterConfiguration, kubernetesVersion: v1.37.2, apiServer: }`,
  'all of it indented': around('apiServer: {}\n').replaceAll(/^/gm, '  ').trimEnd(),
}

const comments = (text: string): readonly string[] => [...text.matchAll(/# [a-z ]+/g)].map(([comment]) => comment)
const plain = (text: string) => parse(text.replace(/---\s*$/, ''), { merge: true })

for (const [what, written] of Object.entries(shapes)) {
  for (const [ending, before] of Object.entries({ LF: written, CRLF: written.replaceAll('\n', '\r\n') })) {
    t.test(`${what}, ${ending}: exactly the two fields change`, async (t) => {
      const after = setControlPlaneEndpoint(before, endpoint, sans)
      const [old, now] = [plain(before), plain(after)]
      const certSANs = [...(old.apiServer?.certSANs ?? []), ...sans]
      assert.deepStrictEqual(now, {
        ...old,
        controlPlaneEndpoint: endpoint,
        apiServer: { ...old.apiServer, certSANs },
      })
      t.same(comments(after), comments(before), 'comments stay')
      if (/^\s*\{"/.test(before) || what === 'indented JSON') t.doesNotThrow(() => JSON.parse(after), 'JSON stays JSON')
      t.equal(setControlPlaneEndpoint(after, endpoint, sans), after, 'a second time')
      t.equal(after.startsWith('\uFEFF'), before.startsWith('\uFEFF'))
    })
  }
  t.test(`${what}: kubeadm is given two documents`, async (t) => {
    const documents = initDocuments({
      clusterConfiguration: written,
      advertiseAddress: '192.168.13.30',
      bindPort: 6443,
      nodeName: 'cp1',
      criSocket: '/run/containerd/containerd.sock',
      certificatesDir: '/run/stage',
    })
    const kinds = parseAllDocuments(documents).map((one) => one.toJS()?.kind)
    t.same(kinds, ['InitConfiguration', 'ClusterConfiguration'])
    // kubeadm splits at lines of three dashes, and each piece must have a kind (app/util/marshal.go, SplitConfigDocuments).
    t.same(
      documents.split(/^---.*$/m).map((piece) => /kind/.test(piece)),
      [true, true],
    )
  })
}

t.test('what cannot be edited is told by its line and what to write', async (t) => {
  const refused: readonly (readonly [string, RegExp])[] = [
    [`${around('apiServer: {}\n')}---\nkind: ClusterStatus\n`, /line 5.*second document/],
    [around('apiServer: {}\napiServer: {}\n'), /line 3.*twice/],
    [around('apiServer:\n\tcertSANs: []\n'), /line 3.*tab/],
    [around('apiServer: [a\n'), /line \d/],
    [around('apiServer: &a {}\ncontrollerManager: *a\n'), /line 2/],
    [around('apiServer: *nobody\n'), /alias|anchor/],
    [around('apiServer: none\n'), /line 2.*apiServer/],
    [around('apiServer:\n  certSANs: a.example.com\n'), /line 3.*certSANs/],
  ]
  for (const [text, message] of refused) {
    try {
      setControlPlaneEndpoint(text, endpoint, sans)
      t.fail(`edited: ${text}`)
    } catch (error) {
      const { code, where, remedy, message: said } = error as Record<string, string>
      t.match({ code, where }, { code: 'CONFIG_MAP_INVALID', where: 'configmap/kube-system/kubeadm-config' })
      t.match(said, message, text)
      t.match(remedy, /kubectl -n kube-system edit configmap kubeadm-config/)
    }
  }
  t.throws(() => readClusterConfiguration('kind: [')) // what cannot be read is no crash
})
