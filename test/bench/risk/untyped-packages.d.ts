type Formula = (
  spot: number,
  strike: number,
  years: number,
  volatility: number,
  rate: number,
  right: 'call' | 'put',
) => number

declare module 'black-scholes' {
  const formulas: { blackScholes: Formula }
  export default formulas
}

declare module 'greeks' {
  const formulas: Record<'getDelta' | 'getGamma' | 'getVega' | 'getTheta' | 'getRho', Formula>
  export default formulas
}
