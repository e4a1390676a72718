import fc from 'fast-check'
import t from 'tap'
import { html } from '../../../../../coordinator/src/report/html/markup.js'
import { contentSecurityPolicy, reportHtml } from '../../../../../coordinator/src/report/html/page.js'
import { sampleReport, withTexts } from '../../../../support/sample-report.js'
import { brokenLinks, foreignMarkup, hostile } from '../../../../support/strict-html.js'

const page = reportHtml(sampleReport())
const words = (text: string) =>
  text
    .replace(/<style>[^<]*<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')

t.test('the page fetches and runs nothing, and its policy says so', async (t) => {
  t.match(contentSecurityPolicy, /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; img-src data:; /)
  t.ok(page.includes(`content="${contentSecurityPolicy.replaceAll("'", '&#39;')}"`))
  t.same(foreignMarkup(page), [])
  t.notMatch(page, /<script|https?:\/\/[^\s<"]*"|@import|url\(/)
})

t.test('every link leads to something on the page, and every id is there once', async (t) => {
  t.same(brokenLinks(page), [])
})

t.test('the verdict comes first, with what is to be done next', async (t) => {
  const text = words(page.slice(page.indexOf('<body>')))
  t.match(text, /^ Quorate Report on the cluster prod, 2026-11-22 22:15:30 UTC Failed The conversion of prod stopped/)
  t.ok(text.indexOf('Next: look at it') < text.indexOf('Timeline'))
})

t.test('it has all that a reader asks for', async (t) => {
  const text = words(page)
  for (const wanted of [
    /Failed requests 9 of 180/,
    /etcd voters 1 → 1/,
    /through the endpoint asked from k8sworker1 /,
    /9 of 60 failed longest gap 1\.3 s, in join-control-planes/,
    /writes: 60 requests, 0 failed, longest gap 61 ms/,
    /Before Of 4 connections, 2 to the node\u2019s own API server, 2 from other nodes directly to k8smaster1\. Not seen: k8smaster2\./,
    /After Of 4 connections, 2 through the endpoint/,
    /swap is on Seen \/dev\/sda2 Remedy swapoff -a Ignored because a test machine/,
    /Ignored in the cluster file, not found clock-offset : known/,
    /Lease of k8sworker1\.example\.com renewed and 1 file or object copied/,
    /Failed: waited in vain GATE_TIMEOUT Next: look at it/,
    /Could not be undone: no backup/,
    /1 of 2 members votes\. etcd tolerates no failure\./,
    /apiserver\.crt new kubernetes, k8smaster1\.example\.com 2027-11-22 endpoint/,
    /-server: https:\/\/192\.168\.13\.30:6443 \+server: https:\/\/apiserver\.example\.com:8443/,
    /a{12} a{52} b{12} b{52}/,
    /quorate rollback 20261122t221530-ab12cd --keep-endpoint/,
    /rewrite-worker-kubeconfigs : Put the old file back\. \(k8sworker1\.example\.com\)/,
  ])
    t.match(text, wanted)
})

t.test('words of nodes and files stay words', async (t) => {
  for (const text of hostile) {
    const attacked = reportHtml(withTexts(sampleReport(), () => text))
    t.same(foreignMarkup(attacked), [], JSON.stringify(text))
    const added = reportHtml(withTexts(sampleReport(), (before) => `${before}${text}`))
    t.same(foreignMarkup(added), [], JSON.stringify(text))
  }
})

t.test('whatever they are', async (t) => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(...hostile, '<', '>', '"', "'", '&', '/', '=', '\n', '@@', '+', '-'),
  )
  const text = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), (texts) => {
      let next = 0
      const attacked = reportHtml(withTexts(sampleReport(), () => texts[next++ % texts.length] ?? ''))
      return foreignMarkup(attacked).length === 0
    }),
    { numRuns: 60 },
  )
  t.pass('60 reports of arbitrary words')
})

t.test('what would deceive the eye is shown as what it is', async (t) => {
  t.equal(html`${'a\u202eb'}`.markup, 'a[U+202E]b')
  t.equal(html`${'a\u0000\u001b\ud800\tb\n'}`.markup, 'a\ufffd\ufffd\ufffd\tb\n')
  t.equal(
    html`<p title="${`"<&'>`}">${[1, undefined, html`<b>`]}</p>`.markup,
    '<p title="&quot;&lt;&amp;&#39;&gt;">1<b></p>',
  )
})
