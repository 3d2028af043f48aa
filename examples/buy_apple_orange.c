/*
 * buy_apple_orange.c - what two apples and three oranges cost, and how the price answers to each number.
 *
 * Chapter 5 of the book by hand; here the derivatives come from the graph.
 */
#include <keisan/keisan.h>
#include <stdio.h>

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *apple = ks_variable(g, "apple", KS_F64, KS_SCALAR, KS_FILL(100));
    ks_node *apple_num = ks_variable(g, "apple_num", KS_F64, KS_SCALAR, KS_FILL(2));
    ks_node *orange = ks_variable(g, "orange", KS_F64, KS_SCALAR, KS_FILL(150));
    ks_node *orange_num = ks_variable(g, "orange_num", KS_F64, KS_SCALAR, KS_FILL(3));
    ks_node *tax = ks_variable(g, "tax", KS_F64, KS_SCALAR, KS_FILL(1.1));

    ks_node *apple_price = ks_named("apple_price", ks_mul(apple, apple_num));
    ks_node *orange_price = ks_named("orange_price", ks_mul(orange, orange_num));
    ks_node *all_price = ks_named("all_price", ks_add(apple_price, orange_price));
    ks_node *price = ks_named("price", ks_mul(all_price, tax));

    printf("price: %.6g\n", ks_scalar(price));
    ks_backward(price);
    printf("dApple: %.6g\n", ks_scalar(ks_grad(apple)));
    printf("dApple_num: %.6g\n", ks_scalar(ks_grad(apple_num)));
    printf("dOrange: %.6g\n", ks_scalar(ks_grad(orange)));
    printf("dOrange_num: %.6g\n", ks_scalar(ks_grad(orange_num)));
    printf("dTax: %.6g\n", ks_scalar(ks_grad(tax)));

    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_graph_free(g);
    return status;
}

/*
 * price: 715
 * dApple: 2.2
 * dApple_num: 110
 * dOrange: 3.3
 * dOrange_num: 165
 * dTax: 650
 */
