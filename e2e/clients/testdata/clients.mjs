// Programs for Node that know nothing of tokentoss: each has a turn, waits, and has another.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const { SITE, PAUSE, MODULES } = process.env

async function twice(turn) {
  await turn()
  await setTimeout(PAUSE * 1000)
  await turn()
}

// load imports a package of the directory MODULES.
const require = createRequire(MODULES + '/')
const load = (name) => import(pathToFileURL(require.resolve(name)))

const programs = {
  async useFetch() {
    await twice(async () => {
      const answer = await fetch(SITE + '/echo', { method: 'POST', body: 'body' })
      assert.equal(await answer.text(), 'body')
    })
  },

  async useOpenAI() {
    const { OpenAI } = await load('openai')
    const client = new OpenAI({ baseURL: SITE + '/v1', apiKey: 'sk-own' })
    await twice(async () => {
      let text = ''
      const stream = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: true })
      for await (const chunk of stream) text += chunk.choices[0].delta.content ?? ''
      assert.equal(text, 'sk-own says hi')
    })
  },

  async useMCP() {
    const { Client } = await load('@modelcontextprotocol/sdk/client/index.js')
    const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(SITE + '/mcp')))
    await twice(async () => {
      const answer = await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } })
      assert.equal(answer.content[0].text, '3')
    })
    await client.close()
  },
}

await programs[process.argv[2]]()
