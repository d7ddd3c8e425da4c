/** XEP-0107 (mood) and XEP-0108 (activity) and their twins in RPID (RFC 4480 §3.2, §3.7). RPID took its list of moods from XMPP's first. */
import { Element, el, type Node } from '../../xml/element.ts'
import { isOfPidf, NS_RPID } from './pidf.ts'
import { ACTIVITY_OF_SHOW, type Show } from './rpid.ts'

export const NS_MOOD = 'http://jabber.org/protocol/mood'
export const NS_ACTIVITY = 'http://jabber.org/protocol/activity'

/** Named alike in both. */
const SHARED_MOODS: ReadonlySet<string> = new Set(
  `afraid amazed angry annoyed anxious ashamed bored brave calm cold confused contented cranky curious depressed disappointed disgusted distracted
  embarrassed excited flirtatious frustrated grumpy guilty happy hot humbled humiliated hungry hurt impressed in_awe in_love indignant interested
  invincible jealous lonely mean moody nervous neutral offended playful proud relieved remorseful restless sad sarcastic serious shocked shy sick
  sleepy stressed surprised thirsty worried`.split(/\s+/),
)

/** XMPP's alone: `<other>` with the name, in RPID. */
const OWN_MOODS: ReadonlySet<string> = new Set(
  `amorous aroused cautious confident contemplative crazy creative dejected dismayed envious hopeful intoxicated lucky outraged relaxed spontaneous
  strong thankful tired undefined weak`.split(/\s+/),
)

// --- mood ---

/** `<mood/>` of RPID; undefined where nothing is felt, or nothing XEP-0107 knows. */
export function moodOf(mood: Element): Element | undefined {
  const felt = mood.elements().find(({ name, ns }) => ns === NS_MOOD && (SHARED_MOODS.has(name) || OWN_MOODS.has(name)))
  if (!felt) return undefined
  const { name } = felt
  const word = SHARED_MOODS.has(name) ? el(name, NS_RPID) : name === 'undefined' ? el('unknown', NS_RPID) : el('other', NS_RPID, {}, name)
  return el('mood', NS_RPID, {}, ...noteFrom(mood, NS_MOOD), word)
}

/** `<mood/>` of XEP-0107 for one of RPID; of several the first that XMPP has a word for. */
export function moodFrom(mood: Element): Element | undefined {
  let other: string | undefined
  let found: string | undefined
  for (const { name, ns, children } of mood.elements()) {
    if (!isOfPidf(ns) || name === 'note') continue
    if (name !== 'other') found ??= SHARED_MOODS.has(name) ? name : 'undefined'
    else {
      const text = children
        .filter((child) => typeof child === 'string')
        .join('')
        .trim()
      if (SHARED_MOODS.has(text) || OWN_MOODS.has(text)) found ??= text
      else other ??= text
    }
  }
  if (found === undefined && other === undefined) return undefined
  const text = textFrom(mood) ?? other
  return el('mood', NS_MOOD, {}, el(found ?? 'undefined', NS_MOOD), ...(text ? [el('text', NS_MOOD, {}, text)] : []))
}

// --- activity ---

/** Rows: general activity, specific one, RPID. A general one without a specific one has its row, or is `other`. */
const ACTIVITIES: readonly (readonly [general: string, specific: string | undefined, rpid: string])[] = [
  ['having_appointment', undefined, 'appointment'],
  ['working', 'in_a_meeting', 'meeting'],
  ['having_appointment', 'in_a_meeting', 'meeting'],
  ['talking', 'in_a_meeting', 'meeting'],
  ['eating', 'having_breakfast', 'breakfast'],
  ['eating', 'having_lunch', 'lunch'],
  ['eating', 'having_dinner', 'dinner'],
  ['eating', undefined, 'meal'],
  ['talking', 'on_the_phone', 'on-the-phone'],
  ['traveling', 'driving', 'steering'],
  ['traveling', 'commuting', 'in-transit'],
  ['traveling', 'on_a_bus', 'in-transit'],
  ['traveling', 'on_a_train', 'in-transit'],
  ['traveling', 'on_a_plane', 'in-transit'],
  ['traveling', 'in_a_car', 'in-transit'],
  ['traveling', undefined, 'travel'],
  ['relaxing', 'watching_tv', 'tv'],
  ['relaxing', 'shopping', 'shopping'],
  ['relaxing', 'gaming', 'playing'],
  ['exercising', 'playing_sports', 'playing'],
  ['inactive', 'sleeping', 'sleeping'],
  ['inactive', 'on_vacation', 'vacation'],
  ['inactive', 'scheduled_holiday', 'holiday'],
  ['inactive', 'praying', 'worship'],
  ['inactive', 'day_off', 'away'],
  ['working', undefined, 'working'],
]

/** Words of RPID that XEP-0108 has none for of its own; away and busy are what `<show/>` says already. */
const BACK: ReadonlyMap<string, readonly [string, string | undefined]> = new Map<string, readonly [string, string | undefined]>([
  ['presentation', ['working', undefined]],
  ['permanent-absence', ['inactive', undefined]],
  ...ACTIVITIES.filter(([, , rpid]) => rpid !== 'away')
    .toReversed()
    .map(([general, specific, rpid]) => [rpid, [general, specific]] as const),
])

/** `<activities/>` of a person: what `<show/>` says, for telephones that know no other, and what the person does. */
export function activitiesOf(show: Show | undefined, activity: Element | undefined, isTalking: boolean): Element | undefined {
  const words = new Map<string, Element>()
  const busy = show && ACTIVITY_OF_SHOW[show]
  if (busy) words.set(busy, el(busy, NS_RPID))
  if (isTalking) words.set('on-the-phone', el('on-the-phone', NS_RPID))
  const doing = activity && rpidFor(activity)
  if (doing) words.set(doing.name, doing)
  if (words.size === 0) return undefined
  return el('activities', NS_RPID, {}, ...(activity ? noteFrom(activity, NS_ACTIVITY) : []), ...words.values())
}

function rpidFor(activity: Element): Element | undefined {
  const general = activity.elements().find(({ name, ns }) => ns === NS_ACTIVITY && name !== 'text')
  if (!general || general.name === 'undefined') return undefined
  const specific = general.elements().find(({ ns }) => ns === NS_ACTIVITY)?.name
  const row =
    ACTIVITIES.find(([first, second]) => first === general.name && second === specific) ??
    ACTIVITIES.find(([, second]) => second !== undefined && second === specific)
  return row ? el(row[2], NS_RPID) : el('other', NS_RPID, {}, (specific ?? general.name).replaceAll('_', ' '))
}

/** `<activity/>` of XEP-0108; undefined where the activities say no more than that somebody is away or busy. */
export function activityFrom(activities: Element): Element | undefined {
  for (const { name, ns, children } of activities.elements()) {
    if (!isOfPidf(ns)) continue
    const row = BACK.get(name)
    const written = children
      .filter((child) => typeof child === 'string')
      .join('')
      .trim()
    if (!row && !(name === 'other' && written !== '')) continue
    const [general, specific] = row ?? ['undefined', undefined]
    const text = textFrom(activities) ?? (row ? undefined : written)
    const inner = el(general, NS_ACTIVITY, {}, ...(specific === undefined ? [] : [el(specific, NS_ACTIVITY)]))
    return el('activity', NS_ACTIVITY, {}, inner, ...(text ? [el('text', NS_ACTIVITY, {}, text)] : []))
  }
  return undefined
}

// --- `<text/>` and `<note/>` ---

function noteFrom(element: Element, ns: string): readonly Node[] {
  const text = element.child('text', ns)?.text().trim()
  return text ? [new Element('note', NS_RPID, [], [text])] : []
}

const textFrom = (element: Element): string | undefined =>
  element
    .elements()
    .find(({ name, ns }) => name === 'note' && isOfPidf(ns))
    ?.text()
    .trim() || undefined
