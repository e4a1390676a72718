import { randomBytes } from 'node:crypto'
import type { TestLoadBalancerRequest, TestLoadBalancerResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import { checkLoadBalancerRequest } from './load-balancer/check-request.js'
import { renderFiles } from './load-balancer/render-files.js'
import { testFiles } from './load-balancer/test-files.js'

/** How this node's own programs judge the files that ApplyLoadBalancer would write. They are in tmpfs during the test, and nothing is started. */
export const testLoadBalancer = readOperation<TestLoadBalancerRequest, TestLoadBalancerResponse>(
  async (request, { host }, signal) => {
    checkLoadBalancerRequest(request)
    const programs = await renderFiles(host, request, signal)
    return withRuntimeFolder(host, `test-load-balancer-${randomBytes(4).toString('hex')}`, async (folder) => {
      const answers = await Promise.all(programs.map((program) => testFiles(program, { host, folder, signal })))
      return { refused: answers.filter((answer) => answer !== undefined) }
    })
  },
)
