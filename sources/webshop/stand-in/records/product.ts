import type { SeedProduct } from '../../../stand-ins/world.js';
import { connection, cursorFor, type PageArguments } from '../connection.js';
import { gid } from '../gid.js';
import type { Shop } from '../shop.js';
import { money, moneyV2 } from './money.js';
import { shopCreatedAt, shopName, shopUrl } from './shop.js';

export function productRecord(product: SeedProduct, shop: Shop): object {
  const { productId, title, description, priceCents, stock } = product;
  const handle = handleOf(title);
  return {
    __typename: 'Product',
    id: gid('Product', productId),
    legacyResourceId: productId,
    title,
    handle,
    description: ({ truncateAt }: { truncateAt?: number | null }) => truncated(description, truncateAt),
    descriptionHtml: `<p>${escapeHtml(description)}</p>`,
    vendor: shopName,
    productType: '',
    status: 'ACTIVE',
    tags: [],
    isGiftCard: false,
    hasOnlyDefaultVariant: true,
    totalInventory: stock,
    tracksInventory: true,
    onlineStoreUrl: `${shopUrl}/products/${handle}`,
    featuredImage: imageRecord(product),
    featuredMedia: () => mediaRecord(product),
    priceRangeV2: { minVariantPrice: moneyV2(priceCents), maxVariantPrice: moneyV2(priceCents) },
    variants: (page: PageArguments) => connection([product], page, shop.variants),
    defaultCursor: cursorFor(productId),
    createdAt: shopCreatedAt,
    updatedAt: shopCreatedAt,
    publishedAt: shopCreatedAt,
  };
}

export function variantRecord(product: SeedProduct, shop: Shop): object {
  const { variantId, sku, title, priceCents, stock } = product;
  return {
    __typename: 'ProductVariant',
    id: gid('ProductVariant', variantId),
    legacyResourceId: variantId,
    // A variant may have none.
    sku: sku === '' ? null : sku,
    barcode: null,
    // A product without options has one variant with this name, which the vendor does not repeat in
    // `displayName`.
    title: 'Default Title',
    displayName: title,
    price: money(priceCents),
    compareAtPrice: null,
    contextualPricing: () => ({ price: moneyV2(priceCents), compareAtPrice: null }),
    inventoryQuantity: stock,
    sellableOnlineQuantity: stock,
    inventoryPolicy: 'DENY',
    availableForSale: stock > 0,
    taxable: true,
    position: 1,
    selectedOptions: [{ name: 'Title', value: 'Default Title' }],
    image: null,
    product: () => shop.products.record(product),
    defaultCursor: cursorFor(variantId),
    createdAt: shopCreatedAt,
    updatedAt: shopCreatedAt,
  };
}

export function imageRecord({ productId, title, imageUrl }: SeedProduct): object {
  return {
    id: gid('ProductImage', productId),
    altText: title,
    url: ({ transform }: { transform?: Transform | null }) => transformedUrl(imageUrl, transform),
    width: 1200,
    height: 1200,
    originalSrc: imageUrl,
    src: imageUrl,
  };
}

function mediaRecord(product: SeedProduct): object {
  const image = imageRecord(product);
  return {
    __typename: 'MediaImage',
    id: gid('MediaImage', product.productId),
    alt: product.title,
    mediaContentType: 'IMAGE',
    status: 'READY',
    preview: { image },
    image,
    mimeType: 'image/jpeg',
    createdAt: shopCreatedAt,
    updatedAt: shopCreatedAt,
  };
}

interface Transform {
  maxWidth?: number | null;
  maxHeight?: number | null;
}

function transformedUrl(imageUrl: string, transform: Transform | null | undefined): string {
  const url = new URL(imageUrl);
  if (transform?.maxWidth) url.searchParams.set('width', String(transform.maxWidth));
  if (transform?.maxHeight) url.searchParams.set('height', String(transform.maxHeight));
  return url.href;
}

function handleOf(title: string): string {
  return title
    .normalize('NFD')
    .toLowerCase()
    .replace(/\p{Mn}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function truncated(text: string, length: number | null | undefined): string {
  return typeof length === 'number' && text.length > length
    ? `${text.slice(0, Math.max(0, length - 3))}...`
    : text;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
