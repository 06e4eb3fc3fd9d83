// What a Lovable front end does with supabase-js, step by step. Nothing here knows of a facade:
// VITE_SUPABASE_URL is all that differs. Prints one line of JSON.
import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';

const url = process.env.VITE_SUPABASE_URL;
const key = process.env.VITE_SUPABASE_ANON_KEY;
const options = { realtime: { transport: WebSocket }, auth: { persistSession: false } };
const said = {};

async function step(name, act) {
  try {
    said[name] = await act();
  } catch (error) {
    said[name] = { threw: String(error?.message ?? error) };
  }
}

const outcome = ({ data, error }) => (error ? { refused: error.status ?? error.context?.status ?? error.code, message: error.message } : data);
const client = createClient(url, key, options);

await step('strangerSelects', async () => outcome(await client.from('notes').select('*')));
await step('strangerInvokes', async () => outcome(await client.functions.invoke('notify', { body: { to: 'x' } })));
await step('wrongPassword', async () => outcome(await client.auth.signInWithPassword({ email: 'ada@example.com', password: 'wrong' })));
await step('signUp', async () => (await client.auth.signUp({ email: 'ada@example.com', password: 'correct horse' })).data.user.email);
await step('signIn', async () => {
  await client.auth.signOut();
  const { data, error } = await client.auth.signInWithPassword({ email: 'ada@example.com', password: 'correct horse' });
  if (error) throw error;
  return data.user.email;
});
await step('getUser', async () => (await client.auth.getUser()).data.user.email);
await step('refresh', async () => (await client.auth.refreshSession()).data.user.email);
await step('insert', async () => outcome(await client.from('notes').insert({ text: 'a rose — ü' }).select().single()));
await step('select', async () => outcome(await client.from('notes').select('id,text').eq('id', 1)));
const file = new Uint8Array(200_000).map((_, at) => at % 251);
await step('upload', async () => outcome(await client.storage.from('photos').upload('garden/rose 1.bin', file, { contentType: 'application/octet-stream' })).path);
await step('download', async () => {
  const { data, error } = await client.storage.from('photos').download('garden/rose 1.bin');
  if (error) throw error;
  const bytes = new Uint8Array(await data.arrayBuffer());
  return bytes.length === file.length && bytes.every((byte, at) => byte === file[at]);
});
await step('signedUrl', async () => {
  const { data, error } = await client.storage.from('photos').createSignedUrl('garden/rose 1.bin', 60);
  if (error) throw error;
  const answer = await fetch(data.signedUrl);
  return { status: answer.status, length: (await answer.arrayBuffer()).byteLength };
});
await step('invoke', async () => outcome(await client.functions.invoke('notify', { body: { to: 'garden' } })));

await step('realtime', async () => {
  const other = createClient(url, key, options);
  const heard = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('nothing was heard')), 8000);
    other.channel('garden').on('broadcast', { event: 'bloom' }, ({ payload }) => resolve(payload))
      .subscribe(async (status, error) => {
        if (status === 'CHANNEL_ERROR') reject(error ?? new Error(status));
        if (status !== 'SUBSCRIBED') return;
        const mine = client.channel('garden');
        mine.subscribe((own) => {
          if (own === 'SUBSCRIBED') mine.send({ type: 'broadcast', event: 'bloom', payload: { what: 'rose' } });
        });
      });
  });
  const payload = await heard;
  await other.removeAllChannels();
  await client.removeAllChannels();
  return payload;
});
await step('signOut', async () => (await client.auth.signOut()).error);

console.log(JSON.stringify(said));
process.exit(0);
