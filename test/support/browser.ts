import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

/** Debian's own Chromium, with all that it would ask the network for by itself switched off. */
export async function browserForTest(t: Test): Promise<Browser> {
  const off = ['background-networking', 'component-update', 'sync', 'quic', 'gpu'].map((what) => `--disable-${what}`)
  const browser = await chromium.launch({
    executablePath: process.env['QUORATE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--no-first-run', ...off],
  })
  t.teardown(() => browser.close())
  return browser
}

/** A page as it was opened, and all that it asked for or complained of. */
export interface Opened {
  readonly page: Page
  /** Beside the file itself. */
  readonly requests: string[]
  readonly complaints: string[]
}

export async function openFile(browser: Browser, path: string, options: BrowserContextOptions): Promise<Opened> {
  const page = await browser.newPage(options)
  const requests: string[] = []
  const complaints: string[] = []
  const url = `file://${path}`
  page.on('request', (request) => void (request.url() === url || requests.push(request.url())))
  page.on('console', (message) => void complaints.push(message.text()))
  page.on('pageerror', (error) => void complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    return dialog.dismiss()
  })
  await page.goto(url)
  return { page, requests, complaints }
}
