import { outsideProofs } from '../conversion/proofs/all.js'
import { endedBadly } from '../engine/attempts.js'
import type { RunState } from '../engine/fold.js'
import { drillReport } from '../runs/drill/drill-report.js'
import { listed } from './attempts.js'
import type { RunReport } from './schema.js'
import { plural } from './words.js'

type Purpose = RunReport['purpose']

/** The name of a run of each purpose, and the headline when it is done. */
const words: Readonly<Record<Purpose, { readonly noun: string; readonly done: string }>> = {
  conversion: { noun: 'conversion', done: 'Converted' },
  fix: { noun: 'fix', done: 'Fixed' },
  drill: { noun: 'drill', done: 'Survived' },
}

const headlines: Readonly<Record<Exclude<RunReport['outcome'], 'done'>, string>> = {
  'rolled-back': 'Undone',
  running: 'Running',
  failed: 'Failed',
  damaged: 'Journal damaged',
  interrupted: 'Interrupted',
  abandoned: 'Abandoned',
}

export const purposeOf = ({ purpose }: RunState): Purpose =>
  purpose === 'drill' || purpose === 'fix' ? purpose : 'conversion'

/** The outcome of a run in a word or two. */
export function headlineOf(run: RunState): string {
  if (run.outcome !== 'done') return headlines[run.outcome]
  const { done } = words[purposeOf(run)]
  return remaining(run).length === 0 ? done : `${done} in part`
}

/** The outcome of a run in a sentence: what was done, what is still open, and how many attempts ended badly. */
export const verdictOf = (run: RunState): string =>
  run.purpose === 'drill' ? drillReport(run).verdict : `${endOf(run)}${earlier(run)}`

function endOf(run: RunState): string {
  const { cluster, outcome, error } = run
  const { noun } = words[purposeOf(run)]
  switch (outcome) {
    case 'done':
      return `${cluster} ${whatWasDone(run)}${stillMissing(run)}`
    case 'failed':
      return `The ${noun} of ${cluster} stopped at a failure${error === undefined ? '' : ` on ${error.where}`}; the steps before it are done and stay.`
    case 'interrupted':
      return `The ${noun} of ${cluster} was interrupted at a safe place; the steps before it are done and stay.`
    case 'rolled-back':
      return `The ${noun} of ${cluster} was undone${run.rollback?.keepEndpoint ? '; its endpoint was kept' : ''}.`
    case 'abandoned':
      return `The coordinator of this ${noun} is gone; below is what its journal holds.`
    case 'damaged':
      return `The journal of this run is damaged.`
    case 'running':
      return `The ${noun} of ${cluster} is running.`
  }
}

/** The attempts that ended badly before the run succeeded. */
function earlier({ attempts }: RunState): string {
  const parts = endedBadly(attempts).map(({ count, how }, index) => {
    const noun = index > 0 ? '' : count === 1 ? ' attempt' : ' attempts'
    const verb = how === 'failed' ? '' : count === 1 ? ' was' : ' were'
    return `${count}${noun}${verb} ${how}`
  })
  return parts.length === 0 ? '' : ` Before that, ${listed(parts)}.`
}

function whatWasDone(run: RunState): string {
  const left = remaining(run)
  if (run.purpose === 'fix')
    return `was fixed: every gate held.${left.length === 0 ? '' : ` NOT HIGHLY AVAILABLE, and no step fixes it: ${left.join('; ')}.`}`
  const changed = run.steps.filter(({ state }) => state === 'done').length
  return `was converted: ${plural(changed, 'step')} done, ${run.steps.length - changed} needed no change, every gate held.${notRedundant(run)}`
}

/** Findings before a fix that no step fixes. */
const remaining = ({ purpose, findings }: RunState): readonly string[] =>
  purpose === 'fix' ? findings.filter(({ severity }) => severity === 'error').map(({ message }) => message) : []

/** Warnings of the plan that no step can change still hold; the verdict must name them. */
function notRedundant({ findings }: RunState): string {
  const known = findings.filter(({ id, severity }) => severity === 'warning' && outsideProofs.has(id))
  return known.length === 0 ? '' : ` NOT HIGHLY AVAILABLE: ${known.map(({ message }) => message).join('; ')}.`
}

function stillMissing({ id, missing }: RunState): string {
  if (missing.length === 0) return ''
  const names = missing.map(({ node }) => node).join(', ')
  const [state, back] =
    missing.length === 1
      ? ['is unreachable and still depends', 'it is']
      : ['are unreachable and still depend', 'they are']
  return ` NOT CONVERTED: ${names} ${state} on the first control plane. Run \`quorate resume ${id}\` when ${back} back.`
}
