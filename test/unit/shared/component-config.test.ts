import { readComponentConfig, withoutHeaders } from '@quorate/shared/component-config'
import { asQuorateError, type QuorateError } from '@quorate/shared/errors'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'

const place = filePlace('/var/lib/kubelet/config.yaml')
const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n'
const shown = (lines: string) =>
  withoutHeaders(readComponentConfig(head + lines, 'KubeletConfiguration', place)).slice(head.length)

t.test('headers for static pods by URL never leave the node, however they are written', async (t) => {
  const ways = [
    'staticPodURLHeader:\n  Authorization: [hunter2]\n  X: ["a}hunter2"]\nmaxPods: 110\n',
    'staticPodURLHeader: {Authorization: ["Basic }hunter2"]}\nmaxPods: 110\n',
    "'staticPodURLHeader':\n  Authorization:\n  - >-\n    Basic\n    hunter2\nmaxPods: 110\n",
    'x: &h {Authorization: [hunter2]}\nstaticPodURLHeader: *h\nmaxPods: 110\n',
    'staticPodURLHeader: hunter2\nmaxPods: 110\n',
  ]
  for (const way of ways) {
    t.notMatch(shown(way), /hunter2/, way)
    t.match(shown(way), /\nmaxPods: 110\n$/, way)
    t.doesNotThrow(() => readComponentConfig(head + shown(way), 'KubeletConfiguration', place), way)
  }
  t.equal(shown('staticPodURLHeader:\nmaxPods: 110\n'), 'staticPodURLHeader:\nmaxPods: 110\n')
})

function problemOf(read: () => unknown): QuorateError {
  try {
    read()
  } catch (error) {
    return asQuorateError(error)
  }
  throw new Error('it was read')
}

t.test('what no kubelet starts with is refused with its line and what to write', async (t) => {
  const read = (text: string) => readComponentConfig(text, 'KubeletConfiguration', place)
  const cases = {
    '': [1, 'the KubeletConfiguration again'],
    '- a': [1, 'the KubeletConfiguration again'],
    'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: Pod\n': [2, 'write kind: KubeletConfiguration'],
    'kind: KubeletConfiguration\n': [1, 'write apiVersion: kubelet.config.k8s.io/v1beta1'],
  } as const
  for (const [text, [line, write]] of Object.entries(cases)) {
    t.throws(() => read(text), { code: 'CONFIG_MAP_INVALID' }, text)
    const { message, remedy } = problemOf(() => read(text))
    t.ok(message.startsWith(`${place.what}, line ${line}: `), message)
    t.ok(remedy.startsWith(`On that node: vi ${place.what}, then in line ${line} `) && remedy.includes(write), remedy)
  }
})
