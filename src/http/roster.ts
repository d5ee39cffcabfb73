/** Who can stand in one roster at a time; `place` is the roster's own. */
export interface Listed { place?: number }

/**
 * Those who come and go with every request, in no order. Not a Set: V8 leaves its table behind after some deletions, old tables keep one another, and with them whole requests
 * outlive the young generation until everything is collected. The young generation's collections took twice as long for that.
 */
export class Roster<Member extends Listed> {
  readonly #all: Member[] = []

  add (member: Member): void {
    member.place = this.#all.push(member) - 1
  }

  /** Nothing happens where it is not there, or no more. */
  delete (member: Member): void {
    const { place } = member
    if (place === undefined || this.#all[place] !== member) return
    member.place = undefined
    const last = this.#all.pop()!
    if (last === member) return
    this.#all[place] = last
    last.place = place
  }

  /** Those who are there now, whoever goes meanwhile. */
  all (): readonly Member[] {
    return [...this.#all]
  }
}
