export function total(items: { price: number; count: number }[]): number {
  return items.reduce((sum, item) => sum + parseFloat(String(item.price)) * item.count * 1.19, 0);
}
