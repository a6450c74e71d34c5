// Does what pages do, all at once, and tells its verdict to the service behind the page.
const hex = bytes => [...new Uint8Array(bytes)].map(b => b.toString(16).padStart(2, '0')).join('');
const digest = async bytes => hex(await crypto.subtle.digest('SHA-256', bytes));

const random = length => {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
  return bytes;
};

const get = async (path, options) => {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
};

const digestOf = async (path, options) => digest(await (await get(path, options)).arrayBuffer());

const happens = (target, event) => new Promise((resolve, reject) => {
  target.addEventListener(event, resolve, { once: true });
  target.addEventListener('error', () => reject(new Error(`an error instead of ${event}`)), { once: true });
});

const checks = {
  async images() {
    const images = [...document.images];
    await Promise.all(images.map(image => image.decode()));
    return images.map(image => image.naturalWidth).join(' ');
  },

  download: () => digestOf('/large.bin'),

  // The second time the service has to be asked whether it has changed.
  async text() {
    const [first, again] = [await digestOf('/text.txt'), await digestOf('/text.txt', { cache: 'no-cache' })];
    return first === again ? first : `${first}, then ${again}`;
  },

  async upload() {
    const body = random(4_000_000);
    const got = await (await get('/live/digest', { method: 'POST', body })).text();
    return got === await digest(body) ? 'as sent' : got;
  },

  async socket() {
    const socket = new WebSocket(new URL('/live/echo', location.href.replace('http', 'ws')));
    socket.binaryType = 'arraybuffer';
    await happens(socket, 'open');
    socket.send('grüße');
    const text = (await happens(socket, 'message')).data;
    const sent = random(1_000_000);
    socket.send(sent);
    const got = (await happens(socket, 'message')).data;
    socket.close(1000);
    const end = await happens(socket, 'close');
    return `${text}, ${await digest(got) === await digest(sent) ? 'as sent' : got.byteLength}, ${end.code}, ${end.wasClean ? 'clean' : 'cut'}`;
  },

  async events() {
    const source = new EventSource('/live/events');
    const seen = [];
    // The next event may be there before the answer to what was said about this one.
    await new Promise((resolve, reject) => {
      source.onmessage = event => {
        seen.push(event.data);
        get('/live/seen', { method: 'POST' }).then(() => seen.length < EVENTS || resolve(), reject);
      };
    });
    source.close();
    return seen.join(', ');
  },
};

const lines = await Promise.all(Object.entries(checks).map(async ([name, check]) => {
  const found = await check().catch(error => `failed: ${error.message}`);
  console.log(`${name}: ${found}`);
  return `${name}: ${found}`;
}));
// A browser does not tell how an answer came that it had already.
const protocols = new Set(performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol).filter(Boolean));
await get('/live/verdict', { method: 'POST', body: [...lines, `protocols: ${[...protocols].join(' ')}`].join('\n') });
