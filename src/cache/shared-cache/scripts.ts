import { createHash } from 'node:crypto';

/** All names in Redis begin like this; the number changes when what lies behind them does. */
export const PREFIX = 'stekkerdoos:1:';
/** Where instances tell each other what to forget: a JSON list of tags. */
export const CHANNEL = `${PREFIX}forget`;
/** The message that says: forget everything. */
export const EVERYTHING = '*';
/**
 * How Redis remembers that a tag was forgotten. An answer that took longer than this from question to `write` could
 * bring a forgotten value back; deadlines are seconds.
 */
export const TOMBSTONE_MS = 10 * 60_000;
/** How many entries one script looks at; the rest waits, so that Redis answers others in between. */
export const CHUNK = 500;

export interface Script {
  source: string;
  /** Redis knows a script that it has seen by this. */
  sha: string;
}

/**
 * In Redis lie, each after the prefix:
 *
 *     state            a hash. seq: the number of the last forgetting; everything: the number of the last one that
 *                      forgot everything; life: which run of which Redis this is
 *     entry:<key>      `<since>,<tag>,...` and a line's end, then the answer
 *     tag:<tag>        a sorted set: keys of entries about it, by the moment (ms) they expire
 *     forgotten:<tag>  the number of its last forgetting
 *     swept:<n>:<tag>  what was `tag:<tag>` until it was forgotten, while its entries are being removed
 *     count:<name>
 *
 * An entry counts only as long as it stands in the sets of all its tags. So forgetting is dropping the sets, however
 * large, and a set that Redis evicted for want of memory takes its entries with it rather than let them outlive a
 * forgetting. `seq` is a time where it can be, since it must not fall back when Redis loses it.
 *
 * The scripts touch keys that they compute, which a cluster of Redis does not allow.
 */
const COMMON = `
local prefix = '${PREFIX}'
local state = KEYS[1]
local function number(text) return tonumber(text or '0') or 0 end
local function text(n) return string.format('%.0f', n) end
-- A script may write into a full Redis if its first write is one that takes no memory.
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
 * Begins to use Redis. ARGV: its run id, the greatest `since` that the instance has given out. Returns a greater one.
 * A Redis that was started anew may have gone back to a snapshot from before something was forgotten, as may a
 * replica that took over; one that was emptied has forgotten what it had to forget. Then nothing in it counts.
 */
export const GREET = script(`
local known = redis.call('HMGET', state, 'seq', 'life')
local seq = next_seq(number(ARGV[2]) + 1)
if not known[1] or known[2] ~= ARGV[1] then
  redis.call('HSET', state, 'everything', text(seq), 'life', ARGV[1])
end
return text(seq)
`);

/** ARGV: keys. Returns seq, and a list of what lies there. */
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

/** ARGV: key, since, how long to keep it (ms), entry, tags. */
export const WRITE = script(`
local key, since, keep = ARGV[1], number(ARGV[2]), number(ARGV[3])
local known = redis.call('HMGET', state, 'seq', 'everything')
if number(known[1]) < since or number(known[2]) > since then return 0 end
for i = 5, #ARGV do
  if number(redis.call('GET', prefix .. 'forgotten:' .. ARGV[i])) > since then return 0 end
end
redis.call('SET', prefix .. 'entry:' .. key, ARGV[4], 'PX', keep)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i = 5, #ARGV do
  local tag = prefix .. 'tag:' .. ARGV[i]
  -- A set that is always in use would never lose what has expired. Two out for one in: it does, bit by bit.
  local expired = redis.call('ZRANGEBYSCORE', tag, '-inf', now, 'LIMIT', 0, 2)
  if #expired > 0 then redis.call('ZREM', tag, unpack(expired)) end
  redis.call('ZADD', tag, text(now + keep), key)
  if redis.call('PTTL', tag) < keep then redis.call('PEXPIRE', tag, keep + 1000) end
end
return 1
`);

/**
 * ARGV: the message, then tags. Returns what SWEEP has still to remove. Entries of a small set are removed at once,
 * so that of one customer nothing is left when this returns; those of a large one count no more.
 */
export const FORGET = script(`
local seq = next_seq(0)
local room = ${CHUNK}
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

/** ARGV: a set that FORGET left, its tag. Returns how many entries are left. What was written since stays. */
export const SWEEP = script(`
local popped = redis.call('ZPOPMIN', ARGV[1], ${CHUNK})
for i = 1, #popped, 2 do
  if not redis.call('ZSCORE', prefix .. 'tag:' .. ARGV[2], popped[i]) then
    redis.call('UNLINK', prefix .. 'entry:' .. popped[i])
  end
end
return redis.call('ZCARD', ARGV[1])
`);

/** What lies there is not removed, but counts no more; it expires, or is written anew. */
export const FORGET_EVERYTHING = script(`
redis.call('HSET', state, 'everything', text(next_seq(0)))
redis.call('PUBLISH', '${CHANNEL}', '${EVERYTHING}')
`);

/** ARGV: name, how long the window is (ms), by how much. */
export const COUNT = script(`
local name = prefix .. 'count:' .. ARGV[1]
even_if_full()
local count = redis.call('INCRBY', name, ARGV[3])
if redis.call('PTTL', name) < 0 then redis.call('PEXPIRE', name, ARGV[2]) end
return count
`);

export const SCRIPTS: readonly Script[] = [GREET, READ, WRITE, FORGET, SWEEP, FORGET_EVERYTHING, COUNT];
