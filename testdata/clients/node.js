// Sends calls with one of the clients for Node: node node.js CLIENT HOST WRITE_KEY N. Prints what the client says became of
// them, as JSON.
const { calls } = require('./calls.js')

const [name, host, writeKey, count] = process.argv.slice(2)
const n = Number(count)
const result = { delivered: 0, failed: 0, errors: [] }

function settle (error) {
  if (!error) {
    result.delivered++
    return
  }
  result.failed++
  if (result.errors.length < 5) result.errors.push(String(error.message || error.reason || error))
}

// each makes all calls, and waits until the client has settled every one. It gives the client time to send, as a program
// does that does other things too.
async function each (make) {
  const all = []
  for (let i = 0; i < n; i++) {
    for (const type of calls.types) {
      all.push(new Promise(resolve => make(type, calls.call(type, i), error => { settle(error); resolve() })))
    }
    if (i % 20 === 19) await new Promise(resolve => setImmediate(resolve))
  }
  return all
}

const clients = {
  async '@segment/analytics-node' () {
    const { Analytics } = require('@segment/analytics-node')
    const client = new Analytics({ writeKey, host, flushAt: 50 })
    const all = await each((type, call, done) => client[type](call, done))
    await client.closeAndFlush()
    await Promise.all(all)
  },
  async 'analytics-node' () {
    const Analytics = require('analytics-node')
    const client = new Analytics(writeKey, { host, flushAt: 50, errorHandler () {} })
    const all = await each((type, call, done) => client[type](call, done))
    await client.flush()
    await Promise.all(all)
  },
  async '@rudderstack/rudder-sdk-node' () {
    const Analytics = require('@rudderstack/rudder-sdk-node')
    const client = new Analytics(writeKey, { dataPlaneUrl: host, flushAt: 50, errorHandler () {} })
    const all = await each((type, call, done) => client[type](call, done))
    await client.flush()
    await Promise.all(all)
  },
  async '@customerio/cdp-analytics-node' () {
    const { Analytics } = require('@customerio/cdp-analytics-node')
    const client = new Analytics({ writeKey, host, maxEventsInBatch: 50 })
    const all = await each((type, call, done) => client[type](call, done))
    await client.closeAndFlush()
    await Promise.all(all)
  }
}

clients[name]().then(() => {
  console.log(JSON.stringify(result))
  process.exit(0)
}, error => {
  console.error(error)
  process.exit(1)
})
