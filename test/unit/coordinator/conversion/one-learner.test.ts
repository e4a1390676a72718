import type { NodeEntry } from '@quorate/coordinator/config/cluster-file'
import { type ConversionRun, InProcess } from '@quorate/coordinator/conversion/context/run'
import { oneLearner } from '@quorate/coordinator/conversion/etcd/one-learner'
import type { ChangeCall } from '@quorate/coordinator/fleet/agent'
import t from 'tap'

const node = (name: string) => ({ name, address: name }) as NodeEntry
const [cp1, cp2, cp3] = [node('cp1'), node('cp2'), node('cp3')]

/** A run whose etcd lists these members, by name: whether each is a learner. */
function withMembers(members: Map<string, boolean>) {
  const listed = () =>
    [...members].map(([name, learner]) => ({
      id: name,
      name,
      learner,
      peerUrl: `https://${name}:2380`,
      clientUrls: [],
    }))
  const agent = () => ({ read: async () => ({ members: listed(), clusterId: 'c' }) })
  const inProcess = new InProcess()
  for (const one of [cp2, cp3]) inProcess.joining.add(one)
  const run = { first: cp1, controlPlanes: [cp1, cp2, cp3], agent, inProcess } as unknown as ConversionRun
  const said: string[] = []
  const call = {
    signal: new AbortController().signal,
    progress: (text: string) => said.push(text),
  } as unknown as ChangeCall
  return { run, call, said }
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 30))

t.test('the next join begins when the member before it votes, not before and not later', async (t) => {
  const members = new Map([['cp1', false]])
  const { run, call, said } = withMembers(members)
  const began: string[] = []
  let finish = () => {}
  const first = oneLearner(run, cp2, {
    call,
    join: () => {
      began.push('cp2')
      members.set('cp2', true)
      return new Promise((resolve) => {
        finish = resolve
      })
    },
  })
  const second = oneLearner(run, cp3, { call, join: async () => void began.push('cp3') })
  await moment()
  t.same(began, ['cp2'], 'one learner at a time')
  t.match(said, [/waits until/])
  members.set('cp2', false)
  await second
  t.same(began, ['cp2', 'cp3'], 'kubeadm is still at work on the first')
  finish()
  await first
})

t.test('a join that fails lets the next one begin, and says why itself', async (t) => {
  const { run, call } = withMembers(new Map([['cp1', false]]))
  const began: string[] = []
  const first = oneLearner(run, cp2, { call, join: () => Promise.reject(new Error('kubeadm failed')) })
  const second = oneLearner(run, cp3, { call, join: async () => void began.push('cp3') })
  await t.rejects(first, /kubeadm failed/)
  await second
  t.same(began, ['cp3'])
})

t.test('an etcd that does not answer holds nothing up for longer than the join', async (t) => {
  const { run, call } = withMembers(new Map())
  Object.assign(run, { agent: () => ({ read: () => Promise.reject(new Error('no answer')) }) })
  const ended: string[] = []
  await Promise.all(
    [cp2, cp3].map((one) => oneLearner(run, one, { call, join: async () => void ended.push(one.name) })),
  )
  t.same(ended, ['cp2', 'cp3'])
})
