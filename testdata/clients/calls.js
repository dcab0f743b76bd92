// What every client sends: n calls of each type. The i-th of a type is told by the context's client.n, and by the property
// or trait n where the type has some. Every second one says when it happened, to the millisecond.
(function (root) {
  const types = ['identify', 'track', 'page', 'screen', 'group', 'alias']
  const epoch = Date.UTC(2026, 0, 15, 10, 0, 0, 7)

  function call (type, i) {
    const c = { context: { client: { n: i, type } } }
    if (i % 2) c.timestamp = new Date(epoch + i * 1000)
    const values = { n: i, price: i + 0.5, name_of: 'Zoë', tags: ['a', i] }
    switch (type) {
      case 'identify': return { ...c, userId: 'u' + i % 50, traits: values }
      case 'track': return { ...c, userId: 'u' + i % 50, event: 'Client Tracked', properties: values }
      case 'page': return { ...c, userId: 'u' + i % 50, name: 'Page ' + i % 10, category: 'Docs', properties: values }
      case 'screen': return { ...c, userId: 'u' + i % 50, name: 'Screen ' + i % 10, properties: values }
      case 'group': return { ...c, userId: 'u' + i % 50, groupId: 'g' + i % 20, traits: values }
    }
    return { ...c, userId: 'now' + i, previousId: 'before' + i }
  }

  root.calls = { types, call }
})(typeof module === 'undefined' ? window : module.exports)
