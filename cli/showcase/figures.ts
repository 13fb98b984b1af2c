/** Writes an amount with 18 decimals with two digits and thousands apart: `12,345.67`. */
export function decimal(value18: bigint, digits = 2): string {
  const unit = 10n ** BigInt(18 - digits)
  const negative = value18 < 0n
  const rounded = (negative ? -value18 : value18) / unit
  const whole = (rounded / 10n ** BigInt(digits)).toString().replaceAll(/\B(?=(\d{3})+$)/g, ',')
  const fraction = (rounded % 10n ** BigInt(digits)).toString().padStart(digits, '0')
  return `${negative ? '-' : ''}${whole}${digits > 0 ? `.${fraction}` : ''}`
}

/** Writes dollars with 18 decimals: `$12,345.67`. */
export function dollars(value18: bigint): string {
  return value18 < 0n ? `-$${decimal(-value18)}` : `$${decimal(value18)}`
}

/** Writes milliseconds with one digit. */
export function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`
}
