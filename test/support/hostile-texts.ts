/** Texts that cost a careless parser the most, by what they are made of: each as long as is asked for, a few bytes more or less. */
export type HostileText = (bytes: number) => string

const repeated =
  (part: string, before = '', after = ''): HostileText =>
  (bytes) =>
    before + part.repeat(Math.max(1, Math.ceil((bytes - before.length - after.length) / part.length))) + after

/** Each part with its number, so that no two are the same. */
const numbered =
  (part: (index: number) => string, before = ''): HostileText =>
  (bytes) => {
    const parts = [before]
    for (let index = 0, length = before.length; length < bytes; index++) {
      const next = part(index)
      parts.push(next)
      length += next.length
    }
    return parts.join('')
  }

const pod = (rest: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: etcd\nspec:\n  containers:\n  - name: etcd\n    image: etcd:3\n${rest}`
const kubeconfig = 'apiVersion: v1\nkind: Config\ncurrent-context: c0\n'
const clusterConfiguration =
  'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.30.0\n'

/** One letter and one sign each, long; and what is special to YAML, to secrets, to units and to what programs print. */
export const hostileTexts: Readonly<Record<string, HostileText>> = {
  ...Object.fromEntries(
    [...'a0 \n\t:,-="\'[{(<#&*!|>\\/.%@$_~`+?;\u0000\ufeff\r'].map((sign) => [JSON.stringify(sign), repeated(sign)]),
  ),
  spacesAndEnd: repeated(' ', '', 'x'),
  linesAndEnd: repeated('\n', '', 'x'),
  returnsAndEnd: repeated('\r', 'x', 'x'),
  separatorsAndEnd: repeated('\u2028', 'x', 'x'),
  blanks: repeated(' \n\t\n'),
  manyKeys: numbered((index) => `k${index}: 1\n`),
  sameKeys: repeated('k: 1\n'),
  keysInBraces: (bytes) => `{${numbered((index) => `k${index}: 1,`)(bytes)}}`,
  commas: repeated('a,', '[', ']'),
  deepLists: repeated('- '),
  deepBrackets: repeated('[', '', ''),
  deepBraces: repeated('{a: '),
  deepMaps: numbered((index) => `${' '.repeat(index)}a:\n`),
  anchors: numbered((index) => `a${index}: &x${index} 1\n`),
  aliases: repeated('- *x\n', 'a: &x 1\nb:\n'),
  anchorsAndAliases: numbered((index) => `a${index}: &x${index} {a: 1}\nb${index}: *x${index}\n`),
  mergeKeys: numbered(
    (index) => `a${index}: &x${index}\n  <<: *x${Math.max(0, index - 1)}\n  k${index}: 1\n`,
    'a: &x0 {}\n',
  ),
  laughs: (bytes) =>
    numbered((index) => `a${index + 1}: &x${index + 1} [${`*x${index},`.repeat(9)}]\n`, 'a0: &x0 [1]\n')(bytes),
  documents: repeated('---\na: 1\n'),
  comments: repeated('# a\n'),
  openQuote: repeated('a', 'a: "', ''),
  openQuoteLines: repeated('a\n', "a: '", ''),
  escapes: repeated('\\x41', 'a: "', '"'),
  backslashes: repeated('\\', '"', ''),
  block: repeated('  line\n', 'a: |\n'),
  blocks: repeated('a: |\n'),
  plainLines: repeated('word\n '),
  questions: repeated('? a\n'),
  tags: repeated('!!str a\n- '),
  numbers: repeated('1'),
  eyJ: repeated('eyJ-'),
  eyJdots: repeated('eyJabcdefgh.'),
  eyJwords: repeated('eyJabcdefgh.a-'),
  base64OfKey: repeated('LS0tLS1CRUdJTiB'),
  begins: repeated('-----BEGIN PRIVATE KEY-----\n'),
  beginsOfCertificates: repeated('-----BEGIN CERTIFICATE-----\n'),
  halfBegin: repeated('A', '-----BEGIN '),
  halfBegins: repeated('-----BEGIN A'),
  age: repeated('AGE-SECRET-KEY-1'),
  bearer: repeated('Bearer '),
  basicRun: repeated('A', 'Basic '),
  tokens: repeated('abcdef.'),
  tokenFlags: repeated('--token '),
  secrets: repeated('token: '),
  secretRun: repeated('secret'),
  secretSpaces: repeated(' ', 'password:'),
  secretQuote: repeated('\\"', 'password: "'),
  secretQuotes: repeated('password: "'),
  certificateKeys: repeated('certificate key:'),
  certificateKeySpaces: repeated(' ', 'certificate key:'),
  certificateKeyLines: repeated('certificate key:\n'),
  urls: repeated('://a:'),
  urlRun: repeated('a', '://'),
  urlColons: repeated(':', '://a'),
  slashes: repeated('://'),
  flags: repeated('--a=b '),
  openBracketLines: repeated('[a\n'),
  sections: repeated('[Service]\nEnvironment=A=1\n'),
  environment: repeated('"A=1" ', '[Service]\nEnvironment='),
  environmentFiles: numbered((index) => `EnvironmentFile=/a${index}\n`, '[Service]\n'),
  environmentFile: repeated('EnvironmentFile=/a\n', '[Service]\n'),
  kubeletVariables: repeated('"KUBELET_A=-" ', '[Service]\nEnvironment='),
  kubeletFlags: repeated('--a ', '[Service]\nExecStart='),
  kubeletNumberedFlags: numbered((index) => `--a${index} `, 'KUBELET_EXTRA_ARGS='),
  imports: repeated('imports=[\n'),
  importsOfMany: repeated('"/a/*",', 'imports=[', ']'),
  wordRun: repeated('a"b"', '[Service]\nExecStart='),
  dollars: repeated('$' + '{A}', '[Service]\nExecStart='),
  expanded: (bytes) => repeated('$' + 'A ', `[Service]\nEnvironment="A=${'a '.repeat(bytes / 4)}"\nExecStart=`)(bytes),
  expandedInWord: (bytes) =>
    repeated('$' + '{A}', `[Service]\nEnvironment=A=${'a'.repeat(bytes / 2)}\nExecStart=`)(bytes),
  valueSpaces: repeated(' ', '[Service]\nExecStart=a', 'x'),
  keySpaces: repeated(' ', '[Service]\nExecStart=', 'x'),
  setting: repeated(' ', 'a', 'x'),
  settingEquals: repeated(' =', 'a'),
  osRelease: repeated('A=\\', '', '"'),
  osQuote: repeated('\\a', 'ID="'),
  hosts: repeated('# BEGIN quorate\n'),
  hostsPairs: repeated('# BEGIN quorate\n# END quorate\n'),
  unitFiles: repeated('# /a\n'),
  addressLines: repeated('- name: address\n'),
  sockets: repeated('LISTEN 0 1 1:1 0:* users:(("a",pid=1,fd=8))\n'),
  socketsOneLine: repeated('("a",pid=1', 'LISTEN 0 1 1:1 0:* '),
  quotesOpen: repeated('("'),
  failedChecks: repeated('[-]'),
  beforeInput: repeated('-p vrrp ', '-A ufw-before-input '),
  tuples: repeated('### tuple ### '),
  tuplesRun: repeated('a', '### tuple ### a a a a a ', ''),
  zones: repeated('a (active)\n  ports: 1/tcp\n'),
  noMatchPhases: repeated('[ERROR '),
  haproxy: repeated('server a 1.1.1.1:6443\n'),
  bind: repeated('bind '),
  proxies: repeated('HTTPS_PROXY='),
  dpkg: repeated('Package: kubeadm\nStatus: install ok installed\n\n'),
  clusters: numbered((index) => `- name: c${index}\n  cluster: {server: "https://h:1"}\n`, `${kubeconfig}clusters:\n`),
  contexts: numbered(
    (index) => `- name: c${index}\n  context: {cluster: c${index}, user: u}\n`,
    `${kubeconfig}clusters:\n- name: c0\n  cluster: {server: "https://h:1"}\nusers: []\ncontexts:\n`,
  ),
  users: numbered((index) => `- name: u${index}\n  user: {token: t${index}}\n`, `${kubeconfig}users:\n`),
  execArguments: repeated('\n      - --a', `${kubeconfig}users:\n- name: u\n  user:\n    exec:\n      args:`),
  execEnvironment: repeated(
    '\n      - {name: a, value: b}',
    `${kubeconfig}users:\n- name: u\n  user:\n    exec:\n      env:`,
  ),
  podEnvironment: numbered((index) => `    - {name: E${index}, value: v}\n`, pod('    env:\n')),
  podFlags: numbered((index) => `    - --f${index}=1\n`, pod('    command:\n    - etcd\n')),
  podMounts: numbered((index) => `    - {name: v${index}, mountPath: /m${index}}\n`, pod('    volumeMounts:\n')),
  podVolumes: (bytes) =>
    numbered((index) => `    - {name: v${index}, mountPath: /m${index}}\n`, pod('    volumeMounts:\n'))(bytes / 2) +
    numbered((index) => `  - {name: v${index}, hostPath: {path: /m${index}}}\n`, '  volumes:\n')(bytes / 2),
  podContainers: numbered((index) => `  - {name: c${index}, image: i}\n`, pod('')),
  podImage: repeated('    image: etcd:3\n', pod('')),
  sans: numbered((index) => `  - s${index}\n`, `${clusterConfiguration}apiServer:\n  certSANs:\n`),
  extraArgs: numbered(
    (index) => `  - {name: a${index}, value: "1"}\n`,
    `${clusterConfiguration}apiServer:\n  extraArgs:\n`,
  ),
  extraArgsOfMap: numbered(
    (index) => `    a${index}: "1"\n`,
    `${clusterConfiguration.replace('v1beta4', 'v1beta3')}apiServer:\n  extraArgs:\n`,
  ),
  gates: numbered((index) => `  G${index}: true\n`, `${clusterConfiguration}featureGates:\n`),
  headers: numbered(
    (index) => `  h${index}: [v]\n`,
    'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodURLHeader:\n',
  ),
}
