import { createHash } from 'node:crypto';

/** Prefix of all keys in Redis. Its number changes with the format of the values. */
export const PREFIX = 'stekkerdoos:1:';
/** Channel on which instances announce forgotten tags, as a JSON list. */
export const CHANNEL = `${PREFIX}forget`;
/** Message on the channel that means: forget everything. */
export const EVERYTHING = '*';
/**
 * How long Redis remembers that a tag was forgotten. A slower answer could store a forgotten value again. Deadlines
 * are a few seconds.
 */
export const TOMBSTONE_MS = 10 * 60_000;
/** Entries that one script processes. The rest waits, so that Redis serves other clients in between. */
export const ENTRIES_PER_SCRIPT = 500;

export interface Script {
  source: string;
  /** SHA-1 of the source, by which Redis finds a loaded script. */
  sha: string;
}

/**
 * Keys in Redis, without the prefix:
 *
 *     state            a hash. seq: the number of the last invalidation; everything: the number of the last
 *                      invalidation of everything; life: the run id of the Redis that wrote this
 *     entry:<key>      `<since>,<tag>,...` and a line break, then the answer
 *     tag:<tag>        a sorted set: keys of the entries with this tag, by the time (ms) they expire
 *     forgotten:<tag>  the number of its last invalidation
 *     swept:<n>:<tag>  the former `tag:<tag>` of a forgotten tag, while its entries are being removed
 *     count:<name>     a counter
 *
 * An entry is valid only while the sets of all its tags contain it. So dropping the sets forgets their entries,
 * also large ones. A set that Redis evicted also invalidates its entries, so none outlives an invalidation. `seq`
 * is a time where possible, because it must not decrease when Redis loses it.
 *
 * The scripts use keys that they compute, which a Redis cluster does not allow.
 */
const COMMON = `
local prefix = '${PREFIX}'
local state = KEYS[1]
local function number(text) return tonumber(text or '0') or 0 end
local function text(n) return string.format('%.0f', n) end
-- A script may write to a full Redis if its first write needs no memory.
local function even_if_full() redis.call('UNLINK', prefix .. 'nothing') end
local function next_seq(least)
  even_if_full()
  local time = redis.call('TIME')
  local seq = number(redis.call('HGET', state, 'seq')) + 1
  seq = math.max(seq, tonumber(time[1]) * 1000000 + tonumber(time[2]), least)
  redis.call('HSET', state, 'seq', text(seq))
  redis.call('PEXPIRE', state, ${400 * 86_400_000})
  return seq
end
`;

function script(body: string): Script {
  const source = COMMON + body;
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/**
 * Starts the use of a Redis. ARGV: its run id, and the greatest `since` that the instance has read. Returns a greater
 * one. A Redis that was restarted, or a replica that took over, may have an old state from before an invalidation. A
 * Redis that was emptied has lost its invalidations. In these cases all stored entries become invalid.
 */
export const GREET = script(`
local known = redis.call('HMGET', state, 'seq', 'life')
local seq = next_seq(number(ARGV[2]) + 1)
if not known[1] or known[2] ~= ARGV[1] then
  redis.call('HSET', state, 'everything', text(seq), 'life', ARGV[1])
end
return text(seq)
`);

/** ARGV: keys. Returns seq, and a list of the valid entries. */
export const READ = script(`
local known = redis.call('HMGET', state, 'seq', 'everything')
local everything = number(known[2])
local answers = {}
for i = 1, #ARGV do
  local key = ARGV[i]
  local answer = redis.call('GET', prefix .. 'entry:' .. key)
  if answer then
    local since, tags = string.match(answer, '^(%d+),?([^\\n]*)\\n')
    if number(since) < everything then answer = false end
    for tag in string.gmatch(tags or '', '[^,]+') do
      if answer and not redis.call('ZSCORE', prefix .. 'tag:' .. tag, key) then answer = false end
    end
  end
  answers[i] = answer
end
return { known[1], answers }
`);

/** ARGV: key, since, retention in ms, entry, tags. Returns 1 if the entry was stored. */
export const WRITE = script(`
local key, since, retention = ARGV[1], number(ARGV[2]), number(ARGV[3])
local known = redis.call('HMGET', state, 'seq', 'everything')
if number(known[1]) < since or number(known[2]) > since then return 0 end
for i = 5, #ARGV do
  if number(redis.call('GET', prefix .. 'forgotten:' .. ARGV[i])) > since then return 0 end
end
redis.call('SET', prefix .. 'entry:' .. key, ARGV[4], 'PX', retention)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i = 5, #ARGV do
  local tag = prefix .. 'tag:' .. ARGV[i]
  -- A set in constant use never expires, so each write removes up to two expired members.
  local expired = redis.call('ZRANGEBYSCORE', tag, '-inf', now, 'LIMIT', 0, 2)
  if #expired > 0 then redis.call('ZREM', tag, unpack(expired)) end
  redis.call('ZADD', tag, text(now + retention), key)
  if redis.call('PTTL', tag) < retention then redis.call('PEXPIRE', tag, retention + 1000) end
end
return 1
`);

/**
 * ARGV: the message, then tags. Returns the sets that SWEEP must remove. Entries of a small set are removed at once,
 * so that nothing about one customer remains afterwards. Entries of a large set become invalid at once.
 */
export const FORGET = script(`
local seq = next_seq(0)
local room = ${ENTRIES_PER_SCRIPT}
local left = {}
for i = 2, #ARGV do
  local tag = prefix .. 'tag:' .. ARGV[i]
  redis.call('SET', prefix .. 'forgotten:' .. ARGV[i], text(seq), 'PX', ${TOMBSTONE_MS})
  local size = redis.call('ZCARD', tag)
  if size > room then
    local swept = prefix .. 'swept:' .. text(seq) .. ':' .. ARGV[i]
    redis.call('RENAME', tag, swept)
    left[#left + 1] = { swept, ARGV[i] }
  elseif size > 0 then
    for _, key in ipairs(redis.call('ZRANGE', tag, 0, -1)) do redis.call('UNLINK', prefix .. 'entry:' .. key) end
    redis.call('UNLINK', tag)
    room = room - size
  end
end
redis.call('PUBLISH', '${CHANNEL}', ARGV[1])
return left
`);

/** ARGV: a set that FORGET returned, and its tag. Returns the number of entries left. Entries written since then stay. */
export const SWEEP = script(`
local popped = redis.call('ZPOPMIN', ARGV[1], ${ENTRIES_PER_SCRIPT})
for i = 1, #popped, 2 do
  if not redis.call('ZSCORE', prefix .. 'tag:' .. ARGV[2], popped[i]) then
    redis.call('UNLINK', prefix .. 'entry:' .. popped[i])
  end
end
return redis.call('ZCARD', ARGV[1])
`);

/** Makes all stored entries invalid. They expire or are overwritten later. */
export const FORGET_EVERYTHING = script(`
redis.call('HSET', state, 'everything', text(next_seq(0)))
redis.call('PUBLISH', '${CHANNEL}', '${EVERYTHING}')
`);

/** ARGV: name, length of the window in ms, amount. Returns the total. */
export const COUNT = script(`
local name = prefix .. 'count:' .. ARGV[1]
even_if_full()
local count = redis.call('INCRBY', name, ARGV[3])
if redis.call('PTTL', name) < 0 then redis.call('PEXPIRE', name, ARGV[2]) end
return count
`);

export const SCRIPTS: readonly Script[] = [GREET, READ, WRITE, FORGET, SWEEP, FORGET_EVERYTHING, COUNT];
